"""Finds contacts with the same name and birthday, by the clock: no other write pays anything for it.

It walks along the contacts in the order in which they were changed, a few thousand a transaction, and goes on where it
stopped. Names are long and written in many ways, so each is kept as a hash beside the birthday; whoever shares both is
a case. A birthday that far too many people share, or a name and birthday on more than 50 contacts, identifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple

import orjson
import psycopg
from django.db import transaction
from django.db.models import QuerySet

from contacts.identity import load
from contacts.identity.assessing import assess_cases, assess_new_cases, birthday_key
from contacts.identity.duplicates import OPEN_CASES, tell_of_cases
from contacts.identity.frame import retried
from contacts.identity.names import hash_name, is_full_name, read_birthday, read_name
from contacts.identity.settings import current_settings
from contacts.identity.world import ACTIVE, TOO_COMMON
from contacts.models import NAME_KIND, CaseReason, CaseStatus, DuplicateCase, NamesakeWalk

__all__ = ["Looked", "look_for_namesakes"]

BATCH: Final = 2_000
SECONDS: Final = 20.0
"""A run takes so long at most; the next one goes on."""
LAG: Final = timedelta(seconds=5)
LONGEST_WRITE: Final = timedelta(hours=1)
COMMON_AT_LEAST: Final = 100
COMMON_SHARE: Final = 2_000
"""A birthday that more than this part of all have, and more than so many, was written by a form or by a spreadsheet."""

# Whoever writes has taken the time before, and is seen once the transaction ends: what is still open holds the walk
# back, but for what hangs for an hour.
_UNTIL: Final = """
SELECT greatest(least(%(until)s, min(xact_start)), %(oldest)s) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_PAGE: Final = """
SELECT id, state, first_name, last_name, attributes ->> %(key)s::text, updated_at FROM contacts_contact
WHERE (updated_at, id) > (%(changed_at)s, %(contact_id)s) AND updated_at < %(until)s
ORDER BY updated_at, id LIMIT %(limit)s
"""
_FORGET: Final = "DELETE FROM contacts_namesake WHERE contact_id = ANY(%s::bigint[])"
_KEEP: Final = """
INSERT INTO contacts_namesake AS n (contact_id, birthday, name_hash)
SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[])
ON CONFLICT (contact_id) DO UPDATE SET birthday = excluded.birthday, name_hash = excluded.name_hash
WHERE (n.birthday, n.name_hash) <> (excluded.birthday, excluded.name_hash)
"""
# The limits keep the plan to one index look-up a name, and whatever thousands share costs no more than fifty.
_GROUPS: Final = f"""
SELECT k.birthday, k.name_hash, f.ids
FROM (SELECT DISTINCT * FROM unnest(%s::date[], %s::bigint[]) AS u (birthday, name_hash)) k CROSS JOIN LATERAL (
    SELECT array_agg(contact_id ORDER BY contact_id) AS ids FROM (
        SELECT contact_id FROM contacts_namesake
        WHERE birthday = k.birthday AND name_hash = k.name_hash LIMIT {TOO_COMMON + 1}
    ) one
) f
WHERE cardinality(f.ids) BETWEEN 2 AND {TOO_COMMON}
"""
_COMMON: Final = """
SELECT k.birthday FROM unnest(%(days)s::date[]) AS k (birthday) CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
        SELECT FROM contacts_namesake WHERE birthday = k.birthday LIMIT %(limit)s + 1
    ) one
) f
WHERE f.count > %(limit)s
"""
_SIZE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'contacts_namesake'::regclass"
# A merge of one of them waits for the case, or the case for the merge: none is opened about a contact that is gone.
_STILL_ACTIVE: Final = f"""
SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) AND state = {ACTIVE} ORDER BY id FOR SHARE
"""
_KNOWN: Final = f"""
SELECT g.n FROM json_to_recordset(%s::text::json) AS g (n int, ids bigint[])
WHERE EXISTS (
    SELECT FROM contacts_duplicatecase c
    WHERE c.contact_ids @> g.ids AND (c.dismissed_ids @> g.ids OR (c.status = 'open' AND c.kind <> {NAME_KIND}))
)
"""
# One look-up a contact: an overlap with thousands of ids would compare every case with all of them.
_CASES: Final = """
SELECT DISTINCT c.id, c.kind FROM unnest(%s::bigint[]) AS u (id) CROSS JOIN LATERAL (
    SELECT id, kind FROM contacts_duplicatecase WHERE contact_ids @> ARRAY[u.id] AND status = 'open' LIMIT 100
) c
"""
_HOLDERS: Final = """
SELECT contact_id, birthday, name_hash FROM contacts_namesake WHERE contact_id = ANY(%s::bigint[])
"""


class Keys(NamedTuple):
    """What is compared of one contact; ``label`` is how the case calls it."""

    birthday: date
    name_hash: int
    label: str


@dataclass
class Looked:
    """What one run did; ``caught_up`` where nothing was left to look at."""

    contacts: int = 0
    opened: int = 0
    closed: int = 0
    judged: int = 0
    caught_up: bool = False


@dataclass
class _Page:
    """Contacts that changed, one after the other, and how far they reach."""

    ids: list[int]
    keys: dict[int, Keys]
    changed_at: datetime
    contact_id: int
    is_last: bool
    opened: int = 0
    closed: int = 0
    cases: tuple[int, ...] = ()


def look_for_namesakes(*, seconds: float = SECONDS, at: datetime | None = None, at_once: int = BATCH) -> Looked:
    """Go on with the walk for so long at most, and judge the cases it came by.

    ``at`` is taken for now; ``at_once`` contacts are looked at in a transaction.
    """
    end, looked, key = monotonic() + seconds, Looked(), birthday_key()
    while not looked.caught_up and monotonic() < end:
        page = retried(lambda: _look_at_page(key, at or datetime.now(UTC), at_once))
        if page is None:
            looked.caught_up = True
            break
        looked.contacts += len(page.ids)
        looked.opened += page.opened
        looked.closed += page.closed
        looked.judged += assess_cases(_in_order(page.cases), birthday=key)
        looked.caught_up = page.is_last
    looked.judged += assess_new_cases(seconds=max(end - monotonic(), 1), birthday=key)
    return looked


def _in_order(ids: Sequence[int]) -> QuerySet[DuplicateCase]:
    """Somebody in these cases changed; they are judged again."""
    return DuplicateCase.objects.filter(pk__in=ids).order_by("pk")


def _look_at_page(key: str, now: datetime, at_once: int) -> _Page | None:
    """One transaction; None where there is nothing new, or somebody else is at it. Contacts are locked before cases,
    as a merge does."""
    with transaction.atomic(), closing(load.open_cursor()) as cursor:
        walk = _take_walk(cursor, key, now)
        page = _read_page(cursor, walk, now, at_once) if walk is not None else None
        if walk is None or page is None:
            return None
        _keep_keys(cursor, page)
        page.opened = _open_cases(cursor, page, now)
        cursor.execute(_CASES, (load.array_of(page.ids),))
        cases = cursor.fetchall()
        page.cases = tuple(sorted(case_id for case_id, _ in cases))
        page.closed = _let_go(cursor, [case_id for case_id, kind in cases if kind == NAME_KIND])
        walk.changed_at, walk.contact_id = page.changed_at, page.contact_id
        walk.save(update_fields=["changed_at", "contact_id"])
        return page


def _take_walk(cursor: psycopg.Cursor[Any], key: str, now: datetime) -> NamesakeWalk | None:
    """Where the walk stands. It begins anew with another field; with none it only follows what changes."""
    NamesakeWalk.objects.get_or_create(pk=1, defaults={"changed_at": now - LAG})
    walk = NamesakeWalk.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if walk is not None and walk.field_key != key:
        cursor.execute("TRUNCATE contacts_namesake")
        walk.field_key, walk.contact_id = key, 0
        walk.changed_at = None if key else now - LAG
        walk.save()
    return walk


def _read_page(cursor: psycopg.Cursor[Any], walk: NamesakeWalk, now: datetime, at_once: int) -> _Page | None:
    cursor.execute(_UNTIL, {"until": now - LAG, "oldest": now - LONGEST_WRITE})
    [(until,)] = cursor.fetchall()
    place = {
        "key": walk.field_key,
        "changed_at": walk.changed_at or datetime(1, 1, 2, tzinfo=UTC),
        "contact_id": walk.contact_id,
        "until": until,
        "limit": at_once,
    }
    load.prefer_indexes(cursor)
    cursor.execute(_PAGE, place)
    rows = cursor.fetchall()
    if not rows:
        return None
    keys = {row[0]: found for row in rows if (found := _read_keys(*row[1:5], today=now.date())) is not None}
    return _Page([row[0] for row in rows], keys, rows[-1][5], rows[-1][0], len(rows) < at_once)


def _read_keys(
    state: int, first_name: str | None, last_name: str | None, born: str | None, *, today: date
) -> Keys | None:
    birthday = read_birthday(born, today)
    if birthday is None or state != ACTIVE:
        return None
    is_junk = current_settings().schema.is_junk
    name = read_name(*(part for part in (first_name, last_name) if part and not is_junk(part)))
    return Keys(birthday, hash_name(name), f"{' '.join(name)} {birthday}") if is_full_name(name) else None


def _keep_keys(cursor: psycopg.Cursor[Any], page: _Page) -> None:
    cursor.execute(_FORGET, (load.array_of(pk for pk in page.ids if pk not in page.keys),))
    if page.keys:
        days, hashes = _columns(page.keys.values())
        cursor.execute(_KEEP, (load.array_of(page.keys), days, hashes))


def _columns(keys: Iterable[Keys]) -> tuple[str, str]:
    listed = list(keys)
    return load.text_array(str(one.birthday) for one in listed), load.array_of(one.name_hash for one in listed)


# Cases that are to be opened


def _open_cases(cursor: psycopg.Cursor[Any], page: _Page, now: datetime) -> int:
    labels = {(one.birthday, one.name_hash): one.label for one in page.keys.values()}
    if not labels:
        return 0
    cursor.execute(_GROUPS, _columns(page.keys.values()))
    groups = [(labels[born, name_hash], born, ids) for born, name_hash, ids in cursor.fetchall()]
    common = _find_common(cursor, {born for _, born, _ in groups})
    found = _still_two(cursor, {label: ids for label, born, ids in groups if born not in common})
    if not found:
        return 0
    rows = [
        {"kind": NAME_KIND, "value": label, "reason": CaseReason.NAME, "contact_ids": ids, "opened_at": now}
        for label, ids in sorted(found.items())
    ]
    cursor.execute(f"{OPEN_CASES} RETURNING contact_ids", (orjson.dumps(rows).decode(),))
    opened = cursor.fetchall()
    tell_of_cases([pk for (ids,) in opened for pk in ids], at=now)
    return len(opened)


def _find_common(cursor: psycopg.Cursor[Any], days: set[date]) -> set[date]:
    """The birthdays that so many have that they mean nothing."""
    if not days:
        return set()
    cursor.execute(_SIZE)
    [(size,)] = cursor.fetchall()
    limit = max(COMMON_AT_LEAST, size // COMMON_SHARE)
    cursor.execute(_COMMON, {"days": load.text_array(map(str, days)), "limit": limit})
    return {row[0] for row in cursor.fetchall()}


def _still_two(cursor: psycopg.Cursor[Any], groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Those with two active contacts that no other case holds together, and that nobody called *not the same*."""
    if not groups:
        return {}
    cursor.execute(_STILL_ACTIVE, (load.array_of({pk for ids in groups.values() for pk in ids}),))
    active = {row[0] for row in cursor.fetchall()}
    left = [(label, [pk for pk in ids if pk in active]) for label, ids in groups.items()]
    named = [{"n": number, "ids": ids} for number, (_, ids) in enumerate(left)]
    cursor.execute(_KNOWN, (orjson.dumps(named).decode(),))
    known = {row[0] for row in cursor.fetchall()}
    return {label: ids for number, (label, ids) in enumerate(left) if len(ids) > 1 and number not in known}


# Cases that are to be closed


def _let_go(cursor: psycopg.Cursor[Any], ids: Sequence[int]) -> int:
    """From these cases whoever has another name or birthday by now leaves; gives how many cases ended."""
    cases = list(_in_order(ids).select_for_update().filter(status=CaseStatus.OPEN)) if ids else []
    if not cases:
        return 0
    cursor.execute(_HOLDERS, (load.array_of({pk for case in cases for pk in case.contact_ids}),))
    holders = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    return sum(_settle_case(case, holders) for case in cases)


def _settle_case(case: DuplicateCase, holders: dict[int, tuple[date, int]]) -> bool:
    name, _, born = case.value.rpartition(" ")
    meant = (date.fromisoformat(born), hash_name(name.split(" ")))
    left = [pk for pk in case.contact_ids if holders.get(pk) == meant]
    if left == case.contact_ids:
        return False
    tell_of_cases(case.contact_ids)
    if len(left) < 2 and not case.dismissed_ids:
        case.delete()
        return True
    case.contact_ids = left
    if set(left) <= set(case.dismissed_ids):
        case.status = CaseStatus.DISMISSED
    case.save(update_fields=["contact_ids", "status"])
    return case.status != CaseStatus.OPEN
