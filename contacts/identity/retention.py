"""Erases whom nobody has seen for long: anonymous contacts and visitors, after the policy's days of inactivity.

Nobody with an external ID, email, phone, custom key or order is anonymous, so nobody of them is ever erased here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction

from contacts.identity import load
from contacts.identity.erase import erase_contacts
from contacts.identity.frame import retried
from contacts.identity.settings import read_policy
from contacts.identity.types import Status
from contacts.identity.world import ACTIVE
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.records import Key

__all__ = ["Erased", "Expired", "erase_expired", "find_expired"]

BATCH: Final = 100
"""Contacts or visitors a transaction: their values fit below the gate, so that nobody waits but who shares a bucket."""
PAGE: Final = 5_000
SAMPLE: Final = 10

_IS_ANONYMOUS: Final = f"""
c.state = {ACTIVE} AND c.identifier_kinds & {IDENTIFYING_MASK} = 0 AND NOT c.made_deliberately AND c.order_count = 0
AND c.external_id IS NULL AND c.email IS NULL AND c.phone IS NULL AND c.contact_key IS NULL
AND coalesce(c.last_seen_at, c.updated_at) < %(before)s
"""
_PAGE_OF_CONTACTS: Final = f"""
SELECT c.id FROM contacts_contact c WHERE c.id > %(after)s AND {_IS_ANONYMOUS} ORDER BY c.id LIMIT %(limit)s
"""
_STILL_ANONYMOUS: Final = f"""
SELECT c.id FROM contacts_contact c WHERE c.id = ANY(%(ids)s::bigint[]) AND {_IS_ANONYMOUS}
ORDER BY c.id FOR NO KEY UPDATE
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


class Expired(NamedTuple):
    """What would be erased now: how many, and the first ids of each."""

    contacts: int
    visitors: int
    contact_ids: list[int]
    visitor_numbers: list[int]


class Erased(NamedTuple):
    """How many were erased."""

    contacts: int
    visitors: int


def find_expired(*, at: datetime | None = None, sample: int = SAMPLE) -> Expired:
    """The dry run: whom ``erase_expired`` would erase at that moment. Writes nothing."""
    contacts, visitors = 0, 0
    contact_ids: list[int] = []
    visitor_numbers: list[int] = []
    contacts_before, visitors_before = _limits(at)
    for ids in _pages_of_contacts(contacts_before):
        contacts += len(ids)
        contact_ids += ids[: sample - len(contact_ids)]
    for numbers in _pages_of_visitors(visitors_before):
        visitors += len(numbers)
        visitor_numbers += numbers[: sample - len(visitor_numbers)]
    return Expired(contacts, visitors, contact_ids, visitor_numbers)


def erase_expired(*, by: str, at: datetime | None = None) -> Erased:
    """Erase them, in small transactions that keep nobody waiting; it may be stopped and started at any time.

    ``at`` is the moment that inactivity is counted from, now unless given.
    """
    contacts, visitors = 0, 0
    contacts_before, visitors_before = _limits(at)
    for ids in _pages_of_contacts(contacts_before):
        for batch in _cut(ids):
            contacts += _erase_anonymous(batch, contacts_before, by=by, at=at)
    for numbers in _pages_of_visitors(visitors_before):
        for batch in _cut(numbers):
            visitors += _erase_visitors(batch, visitors_before)
    return Erased(contacts, visitors)


def _limits(at: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Who was last seen before these moments has expired; None: never."""
    policy, moment = read_policy(), at or datetime.now(UTC)

    def limit(days: int | None) -> datetime | None:
        return None if days is None else moment - timedelta(days=days)

    return limit(policy.anonymous_erased_after_days), limit(policy.visitors_erased_after_days)


def _cut(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])


# Anonymous contacts


def _pages_of_contacts(before: datetime | None) -> Iterator[list[int]]:
    after = 0
    while before is not None:
        ids = _read(_PAGE_OF_CONTACTS, before=before, after=after, limit=PAGE)
        if not ids:
            return
        yield ids
        after = ids[-1]


def _erase_anonymous(ids: list[int], before: datetime | None, *, by: str, at: datetime | None) -> int:
    """Those who are still anonymous and unseen once their values are locked: they may have come back meanwhile."""

    def run() -> int:
        with transaction.atomic():
            cursor = load.open_cursor()
            load.lock_values(cursor, [key for key, _ in _held(cursor, ids, before)])
            cursor.execute(_STILL_ANONYMOUS, {"ids": load.array_of(ids), "before": before})
            still = [row[0] for row in cursor.fetchall()]
            cursor.close()
            outcomes = erase_contacts(still, by=by, at=at)
        return sum(1 for outcome in outcomes if outcome.status != Status.FAILED)

    return retried(run)


# Visitors


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


def _erase_visitors(numbers: list[int], before: datetime | None) -> int:
    """The cookies and what was recorded under these numbers, under the same locks as resolution (races 1 and 3)."""

    def run() -> int:
        with transaction.atomic():
            cursor = load.open_cursor()
            load.lock_values(cursor, [key for key, _ in _held(cursor, numbers, before)])
            # Once they are locked a cookie is looked at again: it may have been seen, or claimed by a contact.
            found = _held_by(cursor, numbers, before)
            active = {number for (_, number), expired in found if not expired}
            cursor.execute(_WITHOUT_CONTACT, {"ids": load.array_of({number for (_, number), _ in found} - active)})
            gone = [row[0] for row in cursor.fetchall()]
            for table in ("identifier", "event"):
                cursor.execute(
                    f"DELETE FROM contacts_{table} WHERE contact_id = ANY(%s::bigint[])",
                    (load.array_of(gone),),
                )
            cursor.close()
        return len(gone)

    return retried(run)


def _held(cursor: psycopg.Cursor[Any], ids: Sequence[int], before: datetime | None) -> list[tuple[Key, bool]]:
    return [(key, expired) for (key, _), expired in _held_by(cursor, ids, before)]


def _held_by(
    cursor: psycopg.Cursor[Any], ids: Sequence[int], before: datetime | None
) -> list[tuple[tuple[Key, int], bool]]:
    """((identifier, number), whether it has expired) of these numbers."""
    cursor.execute(_HELD, {"ids": load.array_of(ids), "before": before})
    return [(((kind, app, value), number), expired) for number, kind, app, value, expired in cursor.fetchall()]


def _read(sql: str, **parameters: Any) -> list[int]:
    cursor = load.open_cursor()
    cursor.execute(sql, parameters)
    ids = [row[0] for row in cursor.fetchall()]
    cursor.close()
    return ids
