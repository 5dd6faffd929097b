"""Proves that the rows agree with each other, since no foreign key does: columns, identifiers, merges, activity.

Contacts are compared with their identifiers page by page, so that five million take constant memory and no query joins
the two tables; the rest are single questions that the database answers by reading each table once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from contacts.identity.load import array_of, open_cursor
from contacts.identity.totals import FRESH_TOTALS
from contacts.identity.world import ACTIVE, DELETED, ERASED, MERGED, PRIMARY_COLUMNS, primary_key_of
from contacts.keys import PERMANENT_KINDS, SHARED_KINDS, Kind
from contacts.normalize import InvalidValue, compare_form
from contacts.records import Key

__all__ = ["CHECKS", "IntegrityProblem", "check_integrity", "find_problems"]

PAGE: Final = 10_000
LIVING: Final = f"({ACTIVE}, {DELETED})"
GONE: Final = f"({MERGED}, {ERASED})"


class IntegrityProblem(NamedTuple):
    """One thing that is off: the check that found it, the contact (or visitor's number) it is about, and what it is."""

    check: str
    contact_id: int | None
    detail: str


CHECKS: Final = {
    "primary_without_identifier": "A primary value has no identifier of that contact.",
    "identifier_without_primary": "A contact has identifiers of a permanent kind and no primary value of it.",
    "wrong_kinds": "The mask of identifier kinds differs from the identifiers.",
    "identifier_of_nobody": "An identifier names a contact that does not exist.",
    "identifier_of_gone": "An identifier names a merged or erased contact.",
    "identifier_twice": "An identifier that is unique stands twice, or twice at one contact.",
    "broken_merge": "A merged contact does not name an active or deleted survivor.",
    "order_count": "The count of orders on a contact differs from its orders.",
    "order_totals": "The totals of a contact differ from its delivered orders.",
    "order_without_number": "An order has no identifier of its number at the same contact.",
    "number_without_order": "An order number among the identifiers has no order at the same contact.",
    "activity_of_gone": "Events or orders hang from a merged or erased contact.",
    "activity_of_nobody": "Events or orders hang from a number that is neither a contact nor a visitor.",
}
"""Every check, with what it means that it found something."""

_CONTACTS: Final = f"""
SELECT id, identifier_kinds, external_id, email, phone, contact_key FROM contacts_contact
WHERE id > %s AND state IN {LIVING} ORDER BY id LIMIT %s
"""
_IDENTIFIERS: Final = """
SELECT contact_id, kind, app, value FROM contacts_identifier WHERE contact_id = ANY(%s::bigint[])
"""
_SHARED: Final = ", ".join(str(int(kind)) for kind in sorted(SHARED_KINDS))
_NUMBER: Final = """
CASE WHEN octet_length(o.external_order_id) <= 512 THEN o.external_order_id
ELSE 'sha256:' || encode(sha256(convert_to(o.external_order_id, 'UTF8')), 'hex') END
"""
_QUESTIONS: Final[dict[str, str]] = {
    "identifier_of_nobody": f"""
        SELECT i.contact_id, i.kind || ' ' || i.value FROM contacts_identifier i
        LEFT JOIN contacts_contact c ON c.id = i.contact_id WHERE c.id IS NULL AND i.kind <> {int(Kind.COOKIE)}
    """,
    "identifier_of_gone": f"""
        SELECT i.contact_id, i.kind || ' ' || i.value FROM contacts_identifier i
        JOIN contacts_contact c ON c.id = i.contact_id WHERE c.state IN {GONE}
    """,
    "identifier_twice": f"""
        SELECT min(i.contact_id), i.kind || ' ' || i.value || ': ' || string_agg(i.contact_id::text, ', ')
        FROM contacts_identifier i
        GROUP BY i.value, i.kind, i.app, CASE WHEN i.kind IN ({_SHARED}) THEN i.contact_id END HAVING count(*) > 1
    """,
    "broken_merge": f"""
        SELECT c.id, CASE
            WHEN c.merged_into_id = c.id THEN 'it names itself'
            WHEN s.id IS NULL THEN 'its survivor ' || c.merged_into_id || ' does not exist'
            WHEN s.state = {MERGED} THEN 'its survivor ' || s.id || ' is itself merged into ' || s.merged_into_id
            ELSE 'its survivor ' || s.id || ' is erased' END
        FROM contacts_contact c LEFT JOIN contacts_contact s ON s.id = c.merged_into_id
        WHERE c.state = {MERGED} AND (s.id IS NULL OR s.state NOT IN {LIVING})
    """,
    "order_count": f"""
        SELECT c.id, c.order_count || ' counted, ' || coalesce(o.count, 0) || ' there' FROM contacts_contact c
        LEFT JOIN (SELECT contact_id, count(*) FROM contacts_order GROUP BY contact_id) o ON o.contact_id = c.id
        WHERE c.state IN {LIVING} AND c.order_count <> coalesce(o.count, 0)
    """,
    "order_totals": f"""
        SELECT coalesce(f.contact_id, t.contact_id), coalesce(f.currency, t.currency) || ': '
            || coalesce(t.count || ' for ' || t.amount, 'nothing') || ' kept, '
            || coalesce(f.count || ' for ' || f.amount, 'nothing') || ' there'
        FROM ({FRESH_TOTALS} GROUP BY contact_id, currency) f
        FULL JOIN contacts_ordertotal t ON t.contact_id = f.contact_id AND t.currency = f.currency
        WHERE (f.count, f.amount, f.first_at, f.last_at) IS DISTINCT FROM (t.count, t.amount, t.first_at, t.last_at)
    """,
    "order_without_number": f"""
        SELECT o.contact_id, o.external_order_id FROM contacts_order o LEFT JOIN contacts_identifier i
        ON i.value = {_NUMBER} AND i.kind = {int(Kind.ORDER)} AND i.app = '' AND i.contact_id = o.contact_id
        WHERE i.id IS NULL
    """,
    "number_without_order": f"""
        SELECT i.contact_id, i.value FROM contacts_identifier i LEFT JOIN contacts_order o
        ON i.value = {_NUMBER} AND o.contact_id = i.contact_id WHERE i.kind = {int(Kind.ORDER)} AND o.id IS NULL
    """,
    "activity_of_gone": f"""
        SELECT c.id, a.count || ' ' || a.what FROM contacts_contact c JOIN (
            SELECT contact_id, count(*), 'events' AS what FROM contacts_event GROUP BY contact_id
            UNION ALL SELECT contact_id, count(*), 'orders' FROM contacts_order GROUP BY contact_id
        ) a ON a.contact_id = c.id WHERE c.state IN {GONE}
    """,
    "activity_of_nobody": f"""
        SELECT a.contact_id, a.count || ' ' || a.what FROM (
            SELECT contact_id, count(*), 'events' AS what FROM contacts_event GROUP BY contact_id
            UNION ALL SELECT contact_id, count(*), 'orders' FROM contacts_order GROUP BY contact_id
        ) a LEFT JOIN contacts_contact c ON c.id = a.contact_id
        LEFT JOIN (SELECT DISTINCT contact_id FROM contacts_identifier WHERE kind = {int(Kind.COOKIE)}) v
        ON v.contact_id = a.contact_id AND a.what = 'events'
        WHERE c.id IS NULL AND v.contact_id IS NULL
    """,
}


def find_problems() -> list[IntegrityProblem]:
    """Everything that is off, at once; for few contacts."""
    return list(check_integrity())


def check_integrity() -> Iterator[IntegrityProblem]:
    """Everything that is off, one after the other. What is written meanwhile may be reported; look again then."""
    cursor = open_cursor()
    yield from _check_contacts(cursor)
    for check, sql in _QUESTIONS.items():
        cursor.execute(f"{sql} ORDER BY 1, 2")
        for contact_id, detail in cursor:
            yield IntegrityProblem(check, contact_id, detail)
    cursor.close()


def _check_contacts(cursor: psycopg.Cursor[Any]) -> Iterator[IntegrityProblem]:
    after = 0
    while True:
        cursor.execute(_CONTACTS, (after, PAGE))
        contacts = cursor.fetchall()
        if not contacts:
            return
        after = contacts[-1][0]
        cursor.execute(_IDENTIFIERS, (array_of(row[0] for row in contacts),), binary=True)
        held: dict[int, set[Key]] = {}
        for contact_id, kind, app, value in cursor:
            held.setdefault(contact_id, set()).add((kind, app, value))
        for row in contacts:
            yield from _compare(row, held.get(row[0], set()))


def _compare(contact: Sequence[Any], held: set[Key]) -> Iterator[IntegrityProblem]:
    """One contact against all its identifiers."""
    contact_id, mask, *primaries, contact_key = contact
    values = dict(zip(("external_id", "email", "phone"), primaries, strict=True))
    kinds = {key[0] for key in held}
    for kind in sorted(PERMANENT_KINDS):
        column = PRIMARY_COLUMNS[kind]
        value = values[column]
        if value is None:
            if kind in kinds:
                yield IntegrityProblem("identifier_without_primary", contact_id, column)
        elif _key_of(kind, value) not in held:
            yield IntegrityProblem("primary_without_identifier", contact_id, f"{column} {value}")
    if contact_key is not None and compare_form(int(Kind.CUSTOM), "contact_key", contact_key) not in held:
        yield IntegrityProblem("primary_without_identifier", contact_id, f"contact_key {contact_key}")
    right = sum(1 << kind for kind in kinds if kind != Kind.ORDER)
    if mask != right:
        yield IntegrityProblem("wrong_kinds", contact_id, f"{_slugs(mask)} instead of {_slugs(right)}")


def _key_of(kind: Kind, value: str) -> Key | None:
    try:
        return primary_key_of(kind, value)
    except InvalidValue:
        return None


def _slugs(mask: int) -> str:
    return ", ".join(kind.slug for kind in Kind if mask & 1 << kind) or "none"


def count_by_check(problems: Sequence[IntegrityProblem]) -> dict[str, int]:
    """How many of each, in the order of ``CHECKS``."""
    counts = Counter(problem.check for problem in problems)
    return {check: counts[check] for check in CHECKS if counts[check]}
