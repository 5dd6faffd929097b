"""The verbs: a bulk call is taken, and its contacts are resolved, each exactly once.

A call is kept before anything of it is resolved. Few contacts are resolved at once, many by a job; either way the
transaction that writes contacts moves the call on, and whoever finds that somebody else moved it writes nothing.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from contacts.bulk.effects import Effects
from contacts.bulk.errors import Rewritten, TakenOver
from contacts.bulk.options import BulkOptions
from contacts.bulk.packing import Packed, pack_records, unpack_records
from contacts.identity import Outcome, Status, resolve, resolve_stream
from contacts.identity.load import open_cursor
from contacts.identity.settings import read_settings
from contacts.keys import Kind, kinds_of_key
from contacts.models import BulkCall, CallStatus
from contacts.normalize import normalize
from contacts.records import Problem, Record
from crm.errors import CardfileError
from crm.jobs import app

__all__ = [
    "JOB",
    "Accepted",
    "Sent",
    "accept_call",
    "run_call",
    "work_off",
]

logger = logging.getLogger(__name__)

INLINE: Final = 200
"""Fewer contacts are resolved at once."""
BATCH: Final = 500
"""Contacts a transaction, for which the gate is closed: whoever writes a single contact meanwhile waits that long."""
JOB: Final = "contacts.bulk.work_off"
MOST_ATTEMPTS: Final = 5
OPEN: Final = (CallStatus.WAITING, CallStatus.RUNNING)
BAD: Final = (Status.FAILED, Status.SKIPPED)
ROW_COLUMNS: Final = ("call_id", "place", "contact_id", "value", "status", "column", "code", "message")
LONGEST_MESSAGE: Final = 500
COUNTED: Final = tuple(
    status.value
    for status in (
        Status.CREATED,
        Status.UPDATED,
        Status.UNCHANGED,
        Status.RESTORED,
        Status.SKIPPED,
        Status.FAILED,
    )
)


class Sent(NamedTuple):
    """One contact as it was sent: the raw record (see ``contacts.normalize``), what it is looked up by, and what its
    door could not read of it."""

    raw: Mapping[str, Any]
    value: str = ""
    problems: Sequence[Problem] = ()


class Accepted(NamedTuple):
    """A call that was taken, and what is wrong with the contacts that were not, by their place."""

    call: BulkCall
    refused: dict[int, Sequence[Problem]]


# Taking


def accept_call(sent: Sequence[Sent], options: BulkOptions, *, by: str) -> Accepted:
    """Keep what can be read of these contacts, and resolve it now or soon.

    A record is read by the fields, the policy's limits and the junk values that stand now.
    """
    schema = read_settings().schema
    records: list[Record] = []
    refused: dict[int, Sequence[Problem]] = {}
    for place, one in enumerate(sent):
        record = normalize(one.raw, schema, place)
        problems = [*one.problems, *record.problems]
        if not problems and lacks_key(record, options.key):
            problems = [Problem("", "key_missing", _("The contact has no valid value of the field that was chosen."))]
        if problems:
            refused[place] = problems
        else:
            records.append(record)
    return Accepted(_keep(sent, records, refused, options, by=by), refused)


def lacks_key(record: Record, key: str) -> bool:
    """Nothing of the record can find anybody (L16)."""
    if record.external_id is not None:
        return False
    if key == "id":
        return record.contact_id is None
    kinds = kinds_of_key(key)
    return not any(found[0] in kinds and (found[0] != Kind.CUSTOM or found[1] == key) for found in record.identifiers)


def _keep(
    sent: Sequence[Sent],
    records: list[Record],
    refused: Mapping[int, Sequence[Problem]],
    options: BulkOptions,
    *,
    by: str,
) -> BulkCall:
    call = BulkCall(by=by, options=options.as_json(), total=len(records), counts=_zeros() | {"failed": len(refused)})
    if records:
        values = [sent[record.ref].value for record in records]
        call.records = pack_records(records, values, key=options.key, size=BATCH)
    if len(records) < INLINE:
        call.status = CallStatus.RUNNING if records else CallStatus.FINISHED
    with transaction.atomic():
        call.save()
        _write_rows([_refused_row(call.pk, place, sent[place].value, found) for place, found in refused.items()])
        if len(records) >= INLINE:
            app.configure_task(JOB, allow_unknown=True, queue="bulk").defer()
    if call.status == CallStatus.RUNNING:
        run_call(call.pk)
        call.refresh_from_db()
    return call


def _refused_row(call_id: int, place: int, value: str, problems: Sequence[Problem]) -> tuple[Any, ...]:
    column, code, _message = problems[0]
    message = " ".join(problem.message for problem in problems)
    return (call_id, place, None, value, Status.FAILED.value, column[:200], code, _storable(message))


# Working


def work_off(call_id: int) -> None:
    """Resolve what is left of a call, which is read again where somebody of it is erased meanwhile."""
    while (call := _take_up(call_id)) is not None and call.records is not None:
        try:
            _resolve_rest(call, unpack_records(bytes(call.records)))
        except Rewritten:
            continue
        return


def _resolve_rest(call: BulkCall, packed: Packed) -> None:
    options = BulkOptions.from_json(call.options)
    note = _Notes(call, packed, options)
    rest = packed.after(call.done)
    if call.total - call.done < INLINE:
        resolve(itertools.chain.from_iterable(rest), options.plan(), by=call.by, within=note)
        return
    with closing(resolve_stream(rest, options.plan(), by=call.by, within=note)) as stream:
        for _outcomes in stream:
            pass


def _take_up(call_id: int) -> BulkCall | None:
    mine = BulkCall.objects.filter(pk=call_id, status__in=OPEN)
    moment = datetime.now(UTC)
    mine.filter(attempts__gte=MOST_ATTEMPTS).update(
        status=CallStatus.FAILED, records=None, changed_at=moment, error=_("It was tried too often. Send it again.")
    )
    mine.update(status=CallStatus.RUNNING, attempts=F("attempts") + 1, changed_at=moment)
    return mine.first()


class _Notes:
    """Within the transaction that writes contacts: how far the call is, the counts, a row for each, the effects."""

    def __init__(self, call: BulkCall, packed: Packed, options: BulkOptions) -> None:
        self.call = call
        self.values = packed.values
        refs = (ref for sheaf in packed.sheaves for ref in sheaf.refs)
        self.places = {ref: place for place, ref in enumerate(refs)}
        self.effects = Effects(options, by=call.by, key=f"bulk:{call.pk}")

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        listed = list(outcomes)
        self.move_on(self.places[listed[0].ref], listed)
        _write_rows([self.row_of(outcome) for outcome in listed])
        self.effects.write(listed)

    def move_on(self, place: int, outcomes: Sequence[Outcome]) -> None:
        """``place`` is how many must have been done before; if it is not, another process writes these (race 1)."""
        counts = dict.fromkeys(COUNTED, 0)
        for outcome in outcomes:
            counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE contacts_bulkcall SET done = done + %(count)s, attempts = 0, changed_at = %(at)s,"
                " status = CASE WHEN done + %(count)s = total THEN 'finished' ELSE status END,"
                " records = CASE WHEN done + %(count)s = total THEN NULL ELSE records END,"
                " counts = counts || (SELECT jsonb_object_agg("
                "  new.key, coalesce((counts ->> new.key)::bigint, 0) + new.value::bigint)"
                "  FROM jsonb_each_text(%(counts)s::jsonb) AS new)"
                " WHERE id = %(id)s AND done = %(place)s AND total = %(total)s",
                {
                    "count": len(outcomes),
                    "at": datetime.now(UTC),
                    "counts": orjson.dumps(counts).decode(),
                    "id": self.call.pk,
                    "place": place,
                    "total": self.call.total,
                },
            )
            if not cursor.rowcount:
                raise Rewritten if self.is_rewritten() else TakenOver

    def is_rewritten(self) -> bool:
        """A call only becomes shorter by erasing (see ``erasing``)."""
        return not BulkCall.objects.filter(pk=self.call.pk, total=self.call.total).exists()

    def row_of(self, outcome: Outcome) -> tuple[Any, ...]:
        column = code = message = ""
        if outcome.status in BAD:
            reasons = outcome.problems or [Problem(outcome.column, outcome.code, outcome.message)]
            column, code, message = reasons[0]
        elif outcome.warnings:
            column, code, message = outcome.warnings[0]
        value, contact_id = self.values[outcome.ref], outcome.contact_id
        return (
            self.call.pk, outcome.ref, contact_id, value, outcome.status.value, column[:200], code, _storable(message),
        )  # fmt: skip


def _zeros() -> dict[str, int]:
    return dict.fromkeys(COUNTED, 0)


def _write_rows(rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in ROW_COLUMNS)
    with closing(open_cursor()) as cursor, cursor.copy(f"COPY contacts_bulkrow ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _storable(message: str) -> str:
    """PostgreSQL takes no NUL, and nobody reads a message of a megabyte."""
    return message.replace("\0", "\ufffd").encode(errors="replace").decode()[:LONGEST_MESSAGE]


# What goes wrong


def run_call(call_id: int) -> None:
    """As ``work_off``; what goes wrong is written on the call. Where the database was gone, it is taken up again."""
    try:
        work_off(call_id)
    except TakenOver:
        return
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError):
        raise
    except CardfileError as error:
        _fail(call_id, error.message)
    except Exception:
        logger.exception("Bulk call %s failed.", call_id)
        _fail(call_id, _("Something went wrong. Tell the administrator, who finds it in the log."))


def _fail(call_id: int, message: str) -> None:
    BulkCall.objects.filter(pk=call_id, status__in=OPEN).update(
        status=CallStatus.FAILED, error=message, records=None, changed_at=datetime.now(UTC)
    )
