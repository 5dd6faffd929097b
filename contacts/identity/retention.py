"""Erases whom nobody has seen for long: anonymous contacts and visitors.

Nobody with an external ID, email, phone, custom key or order is anonymous, so nobody of them is ever erased here; nor
is anybody into whom somebody with an external ID was merged. Whoever is erased keeps nobody waiting: locks on values
are held while identifiers and rows go; the events, which may be many, go later, when nobody can reach them any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.identity import load
from contacts.identity.erase import erase_contacts
from contacts.identity.errors import WriteConflict
from contacts.identity.frame import retried
from contacts.identity.pieces import BUSY, Note, Piece, Stopped, days_before, note_nowhere, short_transaction
from contacts.identity.settings import read_policy
from contacts.identity.types import PolicyRules, Status
from contacts.identity.world import ACTIVE
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.records import Key
from crm.limits import stopped_after

__all__ = [
    "ANONYMOUS",
    "CAME_BACK",
    "CONTACTS",
    "EVENTS",
    "ONCE_IDENTIFIED",
    "VISITORS",
    "Expired",
    "empty_numbers",
    "erase_anonymous",
    "erase_visitors",
    "find_expired",
]

BATCH: Final = 100
"""Contacts or visitors a transaction: their values fit below the gate, so that nobody waits but who shares a bucket."""
MANY: Final = 8
PAGE: Final = 5_000
SAMPLE: Final = 10
EVENTS_AT_ONCE: Final = 5_000

CONTACTS, VISITORS = "contacts", "visitors"
EVENTS: Final = "contacts_event"
CAME_BACK: Final = "came_back"
"""Why somebody stays: they were seen, or known, while the rule was at work."""
ONCE_IDENTIFIED: Final = "once_identified"
"""Why a contact stays: somebody with an external ID was merged into it."""

ANONYMOUS: Final = f"""
c.state = {ACTIVE} AND c.identifier_kinds & {IDENTIFYING_MASK} = 0 AND NOT c.made_deliberately AND c.order_count = 0
AND c.external_id IS NULL AND c.email IS NULL AND c.phone IS NULL AND c.contact_key IS NULL
"""
"""Of a contact ``c``."""
_IS_ANONYMOUS: Final = f"""
{ANONYMOUS} AND coalesce(c.last_seen_at, c.updated_at) < %(before)s
"""
_PAGE_OF_CONTACTS: Final = f"""
SELECT c.id FROM contacts_contact c WHERE c.id > %(after)s AND {_IS_ANONYMOUS} ORDER BY c.id LIMIT %(limit)s
"""
_STILL_ANONYMOUS: Final = f"""
SELECT c.id FROM contacts_contact c WHERE c.id = ANY(%(ids)s::bigint[]) AND {_IS_ANONYMOUS}
ORDER BY c.id FOR NO KEY UPDATE
"""
_TOMBSTONES: Final = """
SELECT c.merged_into_id, c.id, c.external_id IS NOT NULL FROM contacts_contact c
WHERE c.merged_into_id = ANY(%(ids)s::bigint[])
"""
# A visitor's number stands only at its cookies; whether it has a contact is asked separately, so that the tables can be
# distributed each by its own key.
_PAGE_OF_COOKIES: Final = f"""
SELECT i.value, i.id, i.contact_id FROM contacts_identifier i
WHERE i.kind = {int(Kind.COOKIE)} AND i.last_seen_at < %(before)s AND (i.value, i.id) > (%(value)s, %(id)s)
ORDER BY i.value, i.id LIMIT %(limit)s
"""
_WITHOUT_CONTACT: Final = """
SELECT u.id FROM unnest(%(ids)s::bigint[]) AS u (id)
WHERE NOT EXISTS (SELECT FROM contacts_contact c WHERE c.id = u.id) ORDER BY u.id
"""
_HELD: Final = """
SELECT i.contact_id, i.kind, i.app, i.value, i.last_seen_at < %(before)s FROM contacts_identifier i
WHERE i.contact_id = ANY(%(ids)s::bigint[])
"""
_TO_EMPTY: Final = """
INSERT INTO contacts_numbertoempty (id, rule) SELECT u.id, %(rule)s FROM unnest(%(ids)s::bigint[]) AS u (id)
ON CONFLICT (id) DO NOTHING
"""
_NEXT_TO_EMPTY: Final = """
SELECT id FROM contacts_numbertoempty WHERE rule = %(rule)s ORDER BY id LIMIT %(limit)s
"""
_SOME_EVENTS: Final = """
DELETE FROM contacts_event e USING (
    SELECT contact_id, id, occurred_at FROM contacts_event WHERE contact_id = ANY(%(ids)s::bigint[]) LIMIT %(limit)s
) AS old WHERE e.contact_id = old.contact_id AND e.id = old.id AND e.occurred_at = old.occurred_at
"""


class Expired(NamedTuple):
    """What would be erased now: how many, and the first ids of each; at least so many where it took too long."""

    contacts: int
    visitors: int
    contact_ids: list[int]
    visitor_numbers: list[int]
    is_whole: bool = True


def find_expired(
    *,
    at: datetime | None = None,
    sample: int = SAMPLE,
    policy: PolicyRules | None = None,
    seconds: float | None = None,
) -> Expired:
    """The dry run: whom the verbs below would erase at that moment, under another ``policy`` if one is given.

    Writes nothing. With ``seconds`` it stops after so long, and gives what it found until then.
    """
    contacts_before, visitors_before = _limits(at, policy)
    end = None if seconds is None else monotonic() + seconds
    contacts = _count(_pages_of_contacts(contacts_before), sample, end)
    visitors = _count(_pages_of_visitors(visitors_before), sample, end)
    return Expired(
        contacts.total, visitors.total, contacts.sample, visitors.sample, contacts.is_whole and visitors.is_whole
    )


class Counted(NamedTuple):
    total: int
    sample: list[int]
    is_whole: bool = True


def _count(pages: Iterator[list[int]], sample: int, end: float | None) -> Counted:
    count, first = 0, list[int]()
    while True:
        try:
            ids = _next(pages, end)
        except Stopped:
            return Counted(count, first, is_whole=False)
        if ids is None:
            return Counted(count, first)
        count += len(ids)
        first += ids[: sample - len(first)]


def _next(pages: Iterator[list[int]], end: float | None) -> list[int] | None:
    if end is None:
        return next(pages, None)
    left = int((end - monotonic()) * 1_000)
    if left <= 0:
        raise Stopped
    with stopped_after(left, Stopped):
        return next(pages, None)


def _limits(at: datetime | None, policy: PolicyRules | None) -> tuple[datetime | None, datetime | None]:
    """Who was last seen before these moments has expired; None: never."""
    policy, moment = policy or read_policy(), at or datetime.now(UTC)

    def limit(days: int | None) -> datetime | None:
        return None if days is None else days_before(moment, days)

    return limit(policy.anonymous_erased_after_days), limit(policy.visitors_erased_after_days)


def _cut(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])


def _halved(erase: Callable[[list[int]], int], ids: list[int], note: Note) -> int:
    """Erase them together, or, where somebody holds on to one of them, all but that one (race 4).

    Where many are held on to, one after the other, it is no time for this: ``WriteConflict``.
    """
    try:
        return retried(partial(erase, ids))
    except WriteConflict:
        if len(ids) == 1:
            note(Piece(left={BUSY: 1}))
            return 0
    middle = len(ids) // 2
    erased = _halved(erase, ids[:middle], note) + _halved(erase, ids[middle:], note)
    if not erased and len(ids) >= MANY:
        raise WriteConflict(_("Contacts were in use all the time. What is left goes with the next run."))
    return erased


# Anonymous contacts


def erase_anonymous(before: datetime | None, *, by: str, at: datetime | None = None, note: Note = note_nowhere) -> int:
    """Erase the anonymous contacts that nobody has seen since; how many. It may be stopped and started at any time.

    ``at`` is when they are erased, now unless given.
    """
    erased = 0
    for page in _pages_of_contacts(before, note):
        for batch in _cut(page):
            erased += _halved(lambda ids: _erase_anonymous(ids, before, by=by, at=at, note=note), batch, note)
            empty_numbers(CONTACTS, note=note)
    return erased


def _pages_of_contacts(before: datetime | None, note: Note = note_nowhere) -> Iterator[list[int]]:
    after = 0
    while before is not None:
        ids = _read(_PAGE_OF_CONTACTS, before=before, after=after, limit=PAGE)
        if not ids:
            return
        kept = _once_identified(ids)
        if kept:
            note(Piece(left={ONCE_IDENTIFIED: len(kept)}))
        yield [contact_id for contact_id in ids if contact_id not in kept]
        after = ids[-1]


def _once_identified(ids: Collection[int]) -> set[int]:
    """Those whose tombstones have an external ID: erasing them would take it along."""
    return {survivor_id for survivor_id, _, is_identified in _tombstones_of(ids) if is_identified}


def _tombstones_of(ids: Collection[int]) -> list[tuple[int, int, bool]]:
    """(survivor, tombstone, whether it has an external ID)"""
    cursor = load.open_cursor()
    cursor.execute(_TOMBSTONES, {"ids": load.array_of(ids)})
    rows = cursor.fetchall()
    cursor.close()
    return [(survivor_id, loser_id, is_identified) for survivor_id, loser_id, is_identified in rows]


def _erase_anonymous(ids: list[int], before: datetime | None, *, by: str, at: datetime | None, note: Note) -> int:
    """Those who are still anonymous and unseen once their values are locked: they may have come back meanwhile."""
    with short_transaction():
        cursor = load.open_cursor()
        load.lock_values(cursor, [key for key, _ in _held(cursor, ids, before)])
        cursor.execute(_STILL_ANONYMOUS, {"ids": load.array_of(ids), "before": before})
        still = [row[0] for row in cursor.fetchall()]
        tombstones = _tombstones_of(still)
        kept = {survivor_id for survivor_id, _, is_identified in tombstones if is_identified}
        going = [contact_id for contact_id in still if contact_id not in kept]
        _leave_to_empty(cursor, CONTACTS, {*going, *(row[1] for row in tombstones if row[0] not in kept)})
        cursor.close()
        counts = Counter[str]()
        outcomes = erase_contacts(going, by=by, at=at, leaving=(EVENTS,), counts=counts)
        erased = sum(1 for outcome in outcomes if outcome.status != Status.FAILED)
        left = {CAME_BACK: len(ids) - len(still) + len(going) - erased, ONCE_IDENTIFIED: len(kept)}
        note(Piece({CONTACTS: erased, **counts}, left))
    return erased


# Visitors


def erase_visitors(before: datetime | None, *, note: Note = note_nowhere) -> int:
    """Erase the visitors that nobody has seen since; how many. It may be stopped and started at any time."""
    erased = 0
    for page in _pages_of_visitors(before):
        for batch in _cut(page):
            erased += _halved(lambda numbers: _erase_visitors(numbers, before, note=note), batch, note)
            empty_numbers(VISITORS, note=note)
    return erased


def _pages_of_visitors(before: datetime | None) -> Iterator[list[int]]:
    """Numbers without a contact, all of whose cookies have expired; each on the page of its first cookie."""
    value, row_id = "", 0
    while before is not None:
        cursor = load.open_cursor()
        cursor.execute(_PAGE_OF_COOKIES, {"before": before, "value": value, "id": row_id, "limit": PAGE})
        rows = cursor.fetchall()
        if not rows:
            cursor.close()
            return
        cursor.execute(_WITHOUT_CONTACT, {"ids": load.array_of({row[2] for row in rows})})
        numbers = [row[0] for row in cursor.fetchall()]
        held = _held_by(cursor, numbers, before)
        active = {number for (_, number), expired in held if not expired}
        least = {number: min(key[2] for (key, owner), _ in held if owner == number) for number in set(numbers) - active}
        cursor.close()
        here = {row[0] for row in rows}
        yield [number for number in numbers if least.get(number) in here]
        value, row_id = rows[-1][0], rows[-1][1]


def _erase_visitors(numbers: list[int], before: datetime | None, *, note: Note) -> int:
    """Their cookies, under the same locks as resolution (races 1 and 3); what they did goes after it."""
    with short_transaction():
        cursor = load.open_cursor()
        load.lock_values(cursor, [key for key, _ in _held(cursor, numbers, before)])
        # Once they are locked a cookie is looked at again: it may have been seen, or claimed by a contact.
        found = _held_by(cursor, numbers, before)
        active = {number for (_, number), expired in found if not expired}
        cursor.execute(_WITHOUT_CONTACT, {"ids": load.array_of({number for (_, number), _ in found} - active)})
        gone = [row[0] for row in cursor.fetchall()]
        cursor.execute("DELETE FROM contacts_identifier WHERE contact_id = ANY(%s::bigint[])", (load.array_of(gone),))
        cookies = cursor.rowcount
        _leave_to_empty(cursor, VISITORS, gone)
        cursor.close()
        note(Piece({VISITORS: len(gone), "contacts_identifier": cookies}, {CAME_BACK: len(numbers) - len(gone)}))
    return len(gone)


def _held(cursor: psycopg.Cursor[Any], ids: Sequence[int], before: datetime | None) -> list[tuple[Key, bool]]:
    return [(key, expired) for (key, _), expired in _held_by(cursor, ids, before)]


def _held_by(
    cursor: psycopg.Cursor[Any], ids: Sequence[int], before: datetime | None
) -> list[tuple[tuple[Key, int], bool]]:
    """((identifier, number), whether it has expired) of these numbers."""
    cursor.execute(_HELD, {"ids": load.array_of(ids), "before": before})
    return [(((kind, app, value), number), expired) for number, kind, app, value, expired in cursor.fetchall()]


# Their events


def _leave_to_empty(cursor: psycopg.Cursor[Any], rule: str, ids: Collection[int]) -> None:
    """Within the transaction that erases them, so that a run that is killed leaves nothing behind for good."""
    cursor.execute(_TO_EMPTY, {"rule": rule, "ids": load.array_of(ids)})


def empty_numbers(rule: str, *, note: Note = note_nowhere) -> int:
    """Remove the events of whom a rule has erased, some at a time; how many. No lock on anybody's values is held."""
    removed = 0
    while numbers := _read(_NEXT_TO_EMPTY, rule=rule, limit=BATCH):
        gone = EVENTS_AT_ONCE
        while gone == EVENTS_AT_ONCE:
            gone = _remove_some(numbers, note)
            removed += gone
    return removed


def _remove_some(numbers: Sequence[int], note: Note) -> int:
    with transaction.atomic():
        cursor = load.open_cursor()
        load.prefer_indexes(cursor)
        cursor.execute(_SOME_EVENTS, {"ids": load.array_of(numbers), "limit": EVENTS_AT_ONCE})
        gone = cursor.rowcount
        if gone < EVENTS_AT_ONCE:
            cursor.execute("DELETE FROM contacts_numbertoempty WHERE id = ANY(%s::bigint[])", (load.array_of(numbers),))
        cursor.close()
        note(Piece({EVENTS: gone}))
    return gone


def _read(sql: str, **parameters: Any) -> list[int]:
    cursor = load.open_cursor()
    cursor.execute(sql, parameters)
    ids = [row[0] for row in cursor.fetchall()]
    cursor.close()
    return ids
