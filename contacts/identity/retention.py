"""Erases whom nobody has seen for long, anonymous contacts and visitors, and forgets changes of long ago.

Nobody with an external ID, email, phone, custom key or order is anonymous, so nobody of them is ever erased here. A
change that is forgotten cannot be taken back; one that an import made stays until the whole import is old enough, and
one that a webhook has not been told of stays until it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction
from django.db.models import Q

from contacts.identity import load
from contacts.identity.erase import erase_contacts
from contacts.identity.frame import retried
from contacts.identity.settings import read_policy
from contacts.identity.settled import last_change
from contacts.identity.types import PolicyRules, Status
from contacts.identity.world import ACTIVE
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.models import Import, Policy, Webhook
from contacts.records import Key
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = [
    "ANONYMOUS",
    "Erased",
    "Expired",
    "OldChanges",
    "erase_expired",
    "find_expired",
    "find_old_changes",
    "forget_old_changes",
    "journal_begins",
]

BATCH: Final = 100
"""Contacts or visitors a transaction: their values fit below the gate, so that nobody waits but who shares a bucket."""
PAGE: Final = 5_000
SAMPLE: Final = 10

CHANGES: Final = 20_000
"""Numbers of the journal that are looked through at a time: its index leads to places, not to rows."""

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


_OLD: Final = """
FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s AND at < %(before)s
AND (import_id IS NULL OR NOT import_id = ANY(%(kept)s::bigint[]))
"""
_NEWER: Final = (
    "SELECT EXISTS (SELECT FROM contacts_change WHERE id > %(after)s AND id <= %(upto)s AND at >= %(before)s)"
)


class Expired(NamedTuple):
    """What would be erased now: how many, and the first ids of each; at least so many where it took too long."""

    contacts: int
    visitors: int
    contact_ids: list[int]
    visitor_numbers: list[int]
    is_whole: bool = True


class Erased(NamedTuple):
    """How many were erased."""

    contacts: int
    visitors: int


def find_expired(
    *,
    at: datetime | None = None,
    sample: int = SAMPLE,
    policy: PolicyRules | None = None,
    seconds: float | None = None,
) -> Expired:
    """The dry run: whom ``erase_expired`` would erase at that moment, under another ``policy`` if one is given.

    Writes nothing. With ``seconds`` it stops after so long, and gives what it found until then.
    """
    contacts_before, visitors_before = _limits(at, policy)
    end = None if seconds is None else monotonic() + seconds
    contacts = _count(_pages_of_contacts(contacts_before), sample, end)
    visitors = _count(_pages_of_visitors(visitors_before), sample, end)
    return Expired(
        contacts.total, visitors.total, contacts.sample, visitors.sample, contacts.is_whole and visitors.is_whole
    )


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


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


def erase_expired(*, by: str, at: datetime | None = None) -> Erased:
    """Erase them, in small transactions that keep nobody waiting; it may be stopped and started at any time.

    ``at`` is the moment that inactivity is counted from, now unless given.
    """
    contacts, visitors = 0, 0
    contacts_before, visitors_before = _limits(at, None)
    for ids in _pages_of_contacts(contacts_before):
        for batch in _cut(ids):
            contacts += _erase_anonymous(batch, contacts_before, by=by, at=at)
    for numbers in _pages_of_visitors(visitors_before):
        for batch in _cut(numbers):
            visitors += _erase_visitors(batch, visitors_before)
    return Erased(contacts, visitors)


def _limits(at: datetime | None, policy: PolicyRules | None) -> tuple[datetime | None, datetime | None]:
    """Who was last seen before these moments has expired; None: never."""
    policy, moment = policy or read_policy(), at or datetime.now(UTC)

    def limit(days: int | None) -> datetime | None:
        return None if days is None else _days_before(moment, days)

    return limit(policy.anonymous_erased_after_days), limit(policy.visitors_erased_after_days)


def _days_before(moment: datetime, days: int) -> datetime:
    """As far back as there are dates."""
    try:
        return moment - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


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


# Changes


class OldChanges(NamedTuple):
    """How many changes would be forgotten; at least so many where it took too long."""

    total: int
    is_whole: bool


def journal_begins(*, at: datetime | None = None) -> datetime | None:
    """From when on the account keeps its changes; None: from the first one on."""
    days = Policy.objects.order_by("pk").values_list("journal_kept_days", flat=True).first()
    return None if days is None else _days_before(at or datetime.now(UTC), days)


def find_old_changes(before: datetime, *, seconds: float) -> OldChanges:
    """The dry run: what ``forget_old_changes`` would forget of the time before that moment."""
    end, count = monotonic() + seconds, 0
    try:
        for window in _windows(before):
            with stopped_after(max(1, int((end - monotonic()) * 1_000)), Stopped):
                (found, has_newer) = (_ask(f"SELECT count(*) {_OLD}", window), _ask(_NEWER, window))
            count += found
            if has_newer:
                break
            if monotonic() > end:
                return OldChanges(count, is_whole=False)
    except Stopped:
        return OldChanges(count, is_whole=False)
    return OldChanges(count, is_whole=True)


def forget_old_changes(*, at: datetime | None = None) -> int:
    """Forget the changes that the account keeps no longer, a window a transaction; how many. It may be stopped."""
    before, forgotten = journal_begins(at=at), 0
    if before is None:
        return 0
    for window in _windows(before):
        with transaction.atomic():
            cursor = load.open_cursor()
            cursor.execute(f"DELETE {_OLD}", window)
            forgotten += cursor.rowcount
            cursor.close()
        if _ask(_NEWER, window):
            break
    return forgotten


def _windows(before: datetime) -> Iterator[dict[str, Any]]:
    """The journal from its beginning, up to what every webhook was told of. It grows in the order of its numbers."""
    last = _told_to_all(last_change())
    kept = load.array_of(_imports_since(before))
    for after in range(0, last, CHANGES):
        yield {"after": after, "upto": min(after + CHANGES, last), "before": before, "kept": kept}


def _told_to_all(last: int) -> int:
    positions = Webhook.objects.filter(is_active=True).values_list("positions", flat=True)
    return min([last, *(int(told["contacts"]) for told in positions if "contacts" in told)])


def _imports_since(before: datetime) -> list[int]:
    """Imports that can be taken back as a whole yet: what they did first may be older."""
    since = Import.objects.filter(Q(finished_at__gte=before) | Q(finished_at=None, started_at__isnull=False))
    return list(since.values_list("pk", flat=True))


def _ask(sql: str, params: dict[str, Any]) -> Any:
    cursor = load.open_cursor()
    cursor.execute(sql, params)
    row = cursor.fetchone()
    cursor.close()
    return row[0] if row else None
