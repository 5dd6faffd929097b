"""A dataset of BigQuery as a target.

A full run loads each piece into a table of its own, which stands whole or not at all and is loaded anew if it must be;
one statement then makes the table that everybody reads out of them. What changed is loaded into a table beside it and
put from there, by one statement too. What a killed process left under way there must not come in late: such a statement
is waited for, or finds nothing any more. Which tables are ours says a label. JSON stands there as text: its own type
refuses numbers that ours may hold (``PARSE_JSON`` reads it). Numbers have nine digits behind the point.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.exports.warehouse.bigquery_errors import find_driver, is_misnamed, is_missing, is_there_already, told
from contacts.exports.warehouse.bigquery_settings import check_settings, is_without_key, read_key
from contacts.exports.warehouse.bigquery_statements import (
    ALIASES,
    TYPES,
    compare_columns,
    is_of_run,
    listed,
    merge_statement,
    name_beside,
    pieces_of,
)
from contacts.exports.warehouse.errors import TargetChanged, TargetError, TargetGone
from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import Change, OutColumn, Problem, TableShape, Written

__all__ = ["BigQueryTarget", "check_settings", "open_target"]

PIECE_ROWS: Final = 200_000
MOST_CLUSTERED: Final = 4
KEPT_BESIDE: Final = timedelta(days=7)
"""Tables that nobody comes back to go by themselves."""
PATIENCE: Final = 120.0
"""Seconds for which a call is tried again."""
LABEL: Final = "cardfile"


def open_target(settings: Mapping[str, Any], secret: str) -> BigQueryTarget:
    """It connects when it is first asked for something. Raises ``DriverMissing`` and ``SettingsRefused``."""
    return BigQueryTarget(settings, secret)


class BigQueryTarget:
    """One dataset, looked for when it is first needed: its jobs run where it lies.

    ``first_patience``: seconds for which its first call is tried again.
    """

    piece_rows: Final = PIECE_ROWS

    def __init__(self, settings: Mapping[str, Any], secret: str, *, first_patience: float = 10.0) -> None:
        self.driver = find_driver()
        self.settings = settings
        self.dataset = f"{settings['project']}.{settings['dataset']}"
        self._client = self._make_client(secret)
        self._location = ""
        self._first_patience = first_patience
        self._looked_after: set[str] = set()

    # Looking

    def check(self) -> list[Problem]:
        name = f"cardfile_test_{secrets.token_hex(4)}"
        shape = TableShape(name, (OutColumn("id", "id", "bigint", ""),), ("id",), owner="")
        try:
            self._connect()
            self._make(name, shape, "test", expires=timedelta(hours=1))
            try:
                self._run(f"DELETE FROM {self._named(name)} WHERE `id` IS NULL")
            finally:
                self._drop(name)
        except TargetError as error:
            return [Problem(error.code, error.message)]
        wanted = str(self.settings.get("location") or "")
        if wanted and wanted.casefold() != self._location.casefold():
            words = _("The dataset lies in {found}, not in {wanted}. Correct the location, or leave it empty.")
            return [Problem("target_location", words.format(found=self._location, wanted=wanted))]
        return []

    def describe(self, table: str) -> Mapping[str, str] | None:
        found = self._find(table)
        return (
            None
            if found is None
            else {field.name: ALIASES.get(field.field_type, field.field_type) for field in found.schema}
        )

    def compare(self, shape: TableShape) -> list[Problem]:
        there = self._find(shape.name)
        if there is None:
            words = _("The table “{table}” is not there any more. Start a full run, which makes it anew.")
            return [Problem("missing_table", words.format(table=shape.name))]
        return list(compare_columns(shape, there))

    # A table of its own

    def create(self, shape: TableShape) -> None:
        if self._find(shape.name) is None:
            self._make(shape.name, shape, "made")
        elif problems := self.compare(shape):
            raise TargetChanged(problems[0].message)

    def add_columns(self, shape: TableShape, columns: Sequence[OutColumn]) -> None:
        added = ", ".join(f"ADD COLUMN IF NOT EXISTS `{column.name}` {TYPES[column.type]}" for column in columns)
        if added:
            self._run(f"ALTER TABLE {self._named(shape.name)} {added}")

    # Everything anew

    def begin_full(self, shape: TableShape, run: str) -> int:
        self._refuse_foreign(shape.name)
        beside = self._beside(shape.name)
        for name in beside:
            if not is_of_run(name, shape.name, run):
                self._drop(name)
        begun = name_beside(shape.name, run)
        if begun not in beside:
            for name in beside:  # pieces whose beginning somebody dropped
                self._drop(name)
            self._make(begun, shape, run, expires=KEPT_BESIDE)
            return 0
        return len(pieces_of(beside, shape.name, run))

    def write_full(self, shape: TableShape, run: str, piece: int, rows: Rows) -> Written:
        return self._load(f"{name_beside(shape.name, run)}_{piece}", shape, rows)

    def finish_full(self, shape: TableShape, run: str) -> None:
        beside = [name for name in self._beside(shape.name) if is_of_run(name, shape.name, run)]
        if self._label(shape.name) != run:
            self._put_in_place(shape, run, beside)
        for name in beside:
            self._drop(name)

    def _put_in_place(self, shape: TableShape, run: str, beside: Sequence[str]) -> None:
        """At once for whoever reads, together with the label that says that it is done."""
        begun = self._find(name_beside(shape.name, run))
        parts = [name_beside(shape.name, run), *pieces_of(beside, shape.name, run)]
        if begun is None or sorted(parts) != sorted(beside):
            raise TargetChanged(_("A table that was being filled is gone. Start a full run."))
        job = f"cardfile_{run}_{begun.created.timestamp():.3f}".replace(".", "_")
        self._refuse_foreign(shape.name, unless_made_by=f"{job}_0")
        names = listed(shape.names)
        whole = " UNION ALL ".join(f"SELECT {names} FROM {self._named(name)}" for name in parts)
        statement = (
            f"CREATE OR REPLACE TABLE {self._named(shape.name)} CLUSTER BY {listed(shape.key[:MOST_CLUSTERED])}"
            f" OPTIONS(labels=[('{LABEL}', '{run}')]) AS {whole}"
        )
        for attempt in count():
            if self._run_or_wait(statement, f"{job}_{attempt}") or self._label(shape.name) == run:
                break
        self._mark(shape.name, run)

    # What changed

    def apply(self, shape: TableShape, change: Change) -> Written:
        gone, parameters = self._gone(shape, change)
        self._drop_left(shape.name)
        incoming = f"{shape.name}__in_{secrets.token_hex(4)}"
        try:
            self._make(incoming, shape, "incoming", expires=timedelta(days=1))
            loaded = Written() if change.rows is None else self._load(incoming, shape, change.rows)
            touched = self._run(
                merge_statement(shape, self._named(shape.name), self._named(incoming), gone), parameters
            )
        finally:
            with suppress(TargetError):  # it goes by itself
                self._drop(incoming)
        return Written(rows=loaded.rows, removed=max(0, touched - loaded.rows), bytes=loaded.bytes)

    def _drop_left(self, table: str) -> None:
        """What a killed process was about to put in: its statement, should it still wait there, finds nothing."""
        if table not in self._looked_after:
            for name in self._beside(table):
                if name.startswith(f"{table}__in_"):
                    self._drop(name)
            self._looked_after.add(table)

    def close(self) -> None:
        self._client.close()

    # The connection

    def _make_client(self, secret: str) -> Any:
        endpoint = self.settings.get("endpoint")
        if is_without_key(self.settings):
            credentials = import_module("google.auth.credentials").AnonymousCredentials()
        else:
            service_account = import_module("google.oauth2.service_account")
            scopes = ["https://www.googleapis.com/auth/bigquery"]
            credentials = service_account.Credentials.from_service_account_info(read_key(secret), scopes=scopes)
        return self.driver.Client(
            project=self.settings["project"],
            credentials=credentials,
            client_options={"api_endpoint": endpoint.rstrip("/")} if endpoint else None,
        )

    def _connect(self) -> None:
        if self._location:
            return
        try:
            with told():
                found = self._client.get_dataset(
                    self.dataset, retry=self._retry(self._first_patience), timeout=PATIENCE
                )
        except TargetError as error:
            if not is_misnamed(error):
                raise
            words = _("There is no dataset {dataset} in the project {project}. Make it, or correct the names.")
            raise TargetGone(words.format(**self.settings)) from error
        self._location = found.location or "US"

    def _retry(self, seconds: float = PATIENCE) -> Any:
        return self.driver.DEFAULT_RETRY.with_timeout(seconds)

    def _run(self, statement: str, parameters: Sequence[Any] = (), *, job_id: str | None = None) -> int:
        """Rows that were touched."""
        self._connect()
        config = self.driver.QueryJobConfig(query_parameters=list(parameters))
        with told():
            job = self._client.query(
                statement,
                job_config=config,
                job_id=job_id,
                location=self._location,
                retry=self._retry(),
                job_retry=None,
            )
            job.result(retry=self._retry(), job_retry=None)
            return int(job.num_dml_affected_rows or 0)

    def _run_or_wait(self, statement: str, job_id: str) -> bool:
        """Whether it ran; where the same was sent before, that one is waited for instead, however it ends."""
        try:
            self._run(statement, job_id=job_id)
        except TargetError as error:
            if not is_there_already(error):
                raise
            self._was_done(job_id)
            return False
        return True

    def _was_done(self, job_id: str) -> bool:
        try:
            with told():
                job = self._client.get_job(job_id, location=self._location, retry=self._retry())
                return job.exception() is None
        except TargetError as error:
            if not is_missing(error):
                raise
            return False

    def _load(self, table: str, shape: TableShape, rows: Rows) -> Written:
        """In the place of what the table holds, whole or not at all."""
        self._connect()
        with tempfile.TemporaryFile() as file:
            for block in rows.json_lines():
                file.write(block)
            if not (size := file.tell()):
                self._drop(table)
                self._make(table, shape, "empty", expires=KEPT_BESIDE)
                return Written()
            file.seek(0)
            with told():
                job = self._client.load_table_from_file(
                    file, f"{self.dataset}.{table}", location=self._location, job_config=self._loading(shape)
                )
                job.result(retry=self._retry())
        return Written(rows=int(job.output_rows or 0), bytes=size)

    def _loading(self, shape: TableShape) -> Any:
        return self.driver.LoadJobConfig(
            source_format="NEWLINE_DELIMITED_JSON",
            schema=self._schema(shape),
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
        )

    # Tables there

    def _named(self, table: str) -> str:
        return f"`{self.dataset}.{table}`"

    def _schema(self, shape: TableShape) -> list[Any]:
        return [self.driver.SchemaField(column.name, TYPES[column.type]) for column in shape.columns]

    def _find(self, table: str) -> Any:
        self._connect()
        try:
            with told():
                return self._client.get_table(f"{self.dataset}.{table}", retry=self._retry())
        except TargetError as error:
            if not is_missing(error):
                raise
            return None

    def _label(self, table: str) -> str | None:
        found = self._find(table)
        return None if found is None else found.labels.get(LABEL)

    def _make(self, name: str, shape: TableShape, label: str, *, expires: timedelta | None = None) -> None:
        self._connect()
        table = self.driver.Table(f"{self.dataset}.{name}", schema=self._schema(shape))
        table.labels = {LABEL: label}
        if expires is None:
            table.clustering_fields = list(shape.key[:MOST_CLUSTERED])
        else:
            table.expires = datetime.now(UTC) + expires
        with told():
            self._client.create_table(table, exists_ok=True, retry=self._retry())

    def _mark(self, name: str, label: str) -> None:
        if (table := self._find(name)) is None:
            raise TargetChanged(_("A table that was being filled is gone. Start a full run."))
        if table.labels.get(LABEL) != label:
            table.labels = {**table.labels, LABEL: label}
            with told():
                self._client.update_table(table, ["labels"], retry=self._retry())

    def _drop(self, name: str) -> None:
        with told():
            self._client.delete_table(f"{self.dataset}.{name}", not_found_ok=True, retry=self._retry())

    def _beside(self, table: str) -> list[str]:
        """Tables that full runs of this one left."""
        self._connect()
        ours = re.compile(rf"{re.escape(table)}__(in_)?[0-9a-f]+(_\d+)?")
        with told():
            names = [item.table_id for item in self._client.list_tables(self.dataset, retry=self._retry())]
        return [name for name in names if ours.fullmatch(name)]

    def _refuse_foreign(self, name: str, *, unless_made_by: str = "") -> None:
        """A table that was not made from here is nobody's to replace.

        A statement whose process was killed may have made it without its label, which the emulator gives it later.
        """
        found = self._find(name)
        is_foreign = found is not None and LABEL not in found.labels
        if is_foreign and not (unless_made_by and self._was_done(unless_made_by)):
            words = _(
                "There is a table “{table}” that was not made from here. Rename it there, or choose another name."
            )
            raise TargetChanged(words.format(table=name))

    def _gone(self, shape: TableShape, change: Change) -> tuple[str, list[Any]]:
        """Which rows are gone unless they come again, as a condition and its parameters."""
        conditions, parameters = [], []
        if change.gone_contact_ids and shape.owner:
            conditions.append(f"t.`{shape.owner}` IN UNNEST(@owners)")
            parameters.append(self.driver.ArrayQueryParameter("owners", "INT64", list(change.gone_contact_ids)))
        if change.gone_keys:
            parts = ", '|', ".join(f"CAST(t.`{name}` AS STRING)" for name in shape.key)
            conditions.append(f"CONCAT({parts}, '') IN UNNEST(@keys)")
            keys = ["|".join(map(str, key)) for key in change.gone_keys]
            parameters.append(self.driver.ArrayQueryParameter("keys", "STRING", keys))
        return " OR ".join(conditions), parameters
