"""People and events that the tests of both kinds of warehouse send there."""

from __future__ import annotations

from contacts.exports.warehouse.rows import Rows
from contacts.exports.warehouse.types import OutColumn, TableShape

ID = OutColumn("id", "contactId", "bigint", "Contact ID")
EMAIL = OutColumn("email", "email", "text", "Email")
SPENT = OutColumn("spent", "spent", "numeric", "Spent")
ACTIVE = OutColumn("active", "isActive", "boolean", "Active")
SEEN = OutColumn("seen_at", "lastSeen", "timestamptz", "Last seen")
BORN = OutColumn("born", "birthday", "date", "Birthday")
DETAILS = OutColumn("details", "details", "json", "Details")
CONTACTS = TableShape("contacts", (ID, EMAIL, SPENT, ACTIVE, SEEN, BORN, DETAILS), ("contactId",))
EVENT_ID = OutColumn("event_id", "eventId", "bigint", "Event ID")
ALL_OF_THEM = """
SELECT g AS "contactId", %(word)s || g || '@example.com' AS "email", g / 4.0 AS "spent", g %% 2 = 0 AS "isActive",
    timestamptz '2026-03-01 12:00:00.123456+02' AS "lastSeen", date '1990-02-28' AS "birthday",
    '{"town": "Lviv\\n\\t\\\\", "n": null}'::jsonb AS "details"
FROM generate_series(%(first)s::bigint, %(last)s::bigint) g
"""


def people(first: int, last: int, *, word: str = "olena", shape: TableShape = CONTACTS) -> Rows:
    return Rows(ALL_OF_THEM, {"first": first, "last": last, "word": word}, shape)


def some_events(first: int, last: int, *, contact: int, shape: TableShape) -> Rows:
    source = 'SELECT g AS "eventId", %(contact)s::bigint AS "contactId", \'x\' AS "email"'
    rows = f"{source} FROM generate_series(%(first)s::bigint, %(last)s::bigint) g"
    return Rows(rows, {"first": first, "last": last, "contact": contact}, shape)
