"""Warehouses on the wire: what a body says of one, and how it and its runs are shown. Secrets are read, never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contacts.api.jobs_shown import show_moments
from contacts.api.progress import show_moment
from contacts.exports.warehouse.choosing import kinds_there_are
from contacts.exports.warehouse.tables import tables_of
from contacts.models import Deletions, ExportRun, ExportTable, ExportTarget, TargetKind
from contacts.records import Problem
from contacts.wire import is_empty, read_text
from crm.errors import CardfileError

__all__ = ["SETTINGS", "WireTarget", "read_target", "show_run", "show_target", "told"]

SETTINGS: Final = {
    TargetKind.POSTGRESQL: ("schema", "sslmode"),
    TargetKind.BIGQUERY: ("project", "dataset", "location"),
}
"""By kind, what may be told beside the secret."""
TEXTS: Final = {"name": "name", "cron": "cron"}
LONGEST: Final = {"name": 100, "cron": 100, "secret": 20_000}
LONGEST_SETTING: Final = 1024
PLACES: Final = {"every_minutes": "everyMinutes", "dsn": "secret", "key": "secret"}
MINUTES: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)
PLAIN: Final = frozenset({"name", "cron", "kind", "secret", "tables"})

Tables = dict[str, "list[str] | None"]


class WireTarget:
    """What was said, put on ``target``; ``problems`` is what cannot be read."""

    def __init__(self, target: ExportTarget) -> None:
        self.target = target
        self.secret: str | None = None
        self.tables: Tables | None = None
        self.names: dict[str, str] = {}
        self.problems: list[Problem] = []

    def refuse(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))


def read_target(target: ExportTarget, body: Any) -> WireTarget:
    """Only what is sent changes; a kind stays what it is."""
    wire = WireTarget(target)
    if not isinstance(body, Mapping):
        wire.refuse("", "not_an_object", "Send the warehouse as a JSON object.")
        return wire
    read_kind(wire, body)
    read_texts(wire, body)
    read_choices(wire, body)
    read_settings(wire, body.get("settings"))
    if "tables" in body:
        read_tables(wire, body["tables"])
    return wire


def read_kind(wire: WireTarget, body: Mapping[str, Any]) -> None:
    kinds = [kind.value for kind in kinds_there_are()]
    given = body.get("kind", wire.target.kind or None)
    if wire.target.pk and given != wire.target.kind:
        wire.refuse("kind", "kind_stays", "The kind of a warehouse stays. Add another one.")
    elif not isinstance(given, str) or given not in kinds:
        wire.refuse("kind", "unknown_kind", f"The kind is one of: {', '.join(kinds)}.")
    else:
        wire.target.kind = given


def read_texts(wire: WireTarget, body: Mapping[str, Any]) -> None:
    for name, attribute in TEXTS.items():
        if name in body and is_text(wire, name, body[name], LONGEST[name]):
            setattr(wire.target, attribute, body[name].strip())
    if "secret" in body and is_text(wire, "secret", body["secret"], LONGEST["secret"], is_one_line=False):
        wire.secret = body["secret"].strip()


def is_text(wire: WireTarget, path: str, given: Any, longest: int, *, is_one_line: bool = True) -> bool:
    """Whether it can be kept: no halves of characters, no NUL."""
    is_kept = isinstance(given, str) and len(given) <= longest and "\0" not in given
    if is_kept:
        shown = given if is_one_line else "".join(given.split())
        is_kept = shown.isprintable()
    if not is_kept:
        wire.refuse(path, "not_a_text", f"Send a text of at most {longest} characters.")
    return is_kept


def read_choices(wire: WireTarget, body: Mapping[str, Any]) -> None:
    target = wire.target
    if "deletions" in body:
        if isinstance(body["deletions"], str) and body["deletions"] in Deletions.values:
            target.deletions = body["deletions"]
        else:
            wire.refuse("deletions", "unknown_choice", f"It is one of: {', '.join(Deletions.values)}.")
    if "isActive" in body:
        if isinstance(body["isActive"], bool):
            target.is_active = body["isActive"]
        else:
            wire.refuse("isActive", "invalid_boolean", "Send true or false.")
    if "everyMinutes" in body:
        given = read_text(body["everyMinutes"])
        if is_empty(given):
            target.every_minutes = None
        elif isinstance(given, str) and MINUTES.fullmatch(given):
            target.every_minutes = int(given)
        else:
            wire.refuse("everyMinutes", "invalid_number", "Send a whole number of minutes, or null.")


def read_settings(wire: WireTarget, given: Any) -> None:
    """What is not sent stays."""
    if given is None or wire.target.kind not in TargetKind.values:
        return
    names = SETTINGS[TargetKind(wire.target.kind)]
    if not isinstance(given, Mapping) or not set(given) <= set(names):
        wire.refuse("settings", "not_an_object", f"Send an object with: {', '.join(names)}.")
        return
    read = {name: value for name, value in given.items() if is_text(wire, f"settings.{name}", value, LONGEST_SETTING)}
    wire.target.settings = {**wire.target.settings, **{name: value.strip() for name, value in read.items()}}


def read_tables(wire: WireTarget, given: Any) -> None:
    """By data set; columns that are left out stay, or are all where it is new."""
    if not isinstance(given, Mapping):
        wire.refuse("tables", "not_an_object", "Send an object with the data sets that are to leave.")
        return
    wire.tables = {}
    for slug, table in given.items():
        columns = table.get("columns") if isinstance(table, Mapping) else ""
        name = table.get("name") if isinstance(table, Mapping) else None
        if columns is not None and not (isinstance(columns, list) and all(isinstance(one, str) for one in columns)):
            wire.refuse(f"tables.{slug}.columns", "not_a_list", "Send a list of columns' keys, or null.")
            continue
        if name is not None and not isinstance(name, str):
            wire.refuse(f"tables.{slug}.name", "not_a_text", "Send the table's name as a text.")
            continue
        wire.tables[slug] = columns
        wire.names[slug] = name or ""


def told(errors: list[CardfileError]) -> Iterator[Problem]:
    """What the verbs refuse, where it stands in the body."""
    for error in errors:
        path = PLACES.get(error.path, error.path)
        head = path.partition(".")[0]
        is_setting = any(head in names for names in SETTINGS.values())
        if is_setting:
            path = f"settings.{path}"
        elif path and path != "everyMinutes" and head not in PLAIN:
            path = f"tables.{path}"
        yield Problem(path, error.code, error.message)


# Showing


def show_target(target: ExportTarget) -> dict[str, Any]:
    return {
        "id": target.pk,
        "name": target.name,
        "kind": target.kind,
        "settings": {name: str(value) for name, value in target.settings.items()},
        "hasSecret": bool(target.secret),
        "deletions": target.deletions,
        "everyMinutes": target.every_minutes,
        "cron": target.cron,
        "isActive": target.is_active,
        "nextRunAt": moment(target.next_run_at),
        "failedAt": moment(target.failed_at),
        "checkedAt": moment(target.checked_at),
        "checkError": target.check_error,
        "tables": {table.data_set: show_table(table) for table in tables_of(target)},
    }


def show_table(table: ExportTable) -> dict[str, Any]:
    return {
        "name": table.table_name,
        "columns": list(table.columns),
        "columnsToFill": list(table.columns_to_fill) if table.made else [],
        "needsFull": table.needs_full,
    }


def show_run(run: ExportRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "warehouse": run.target_id,
        "kind": run.kind,
        "status": run.status,
        "counts": run.counts,
        "bytes": run.bytes,
        "error": run.error,
        "errorCode": run.error_code,
        **show_moments(run.created_at, run.started_at, run.finished_at),
    }


def moment(at: Any) -> str | None:
    return show_moment(at) if at else None
