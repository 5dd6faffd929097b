"""Values that a field has, taken from the data, for whoever writes a condition.

What there is among millions is not looked through at every key that somebody presses: a sample is, always the same one,
and only what the sample does not have is searched for further, within a time limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import connection

from contacts.models import Contact, ContactState
from segments.conditions.fields import FieldType
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.registry import Registry
from segments.conditions.relations import Relation
from segments.conditions.sql import Clause, render
from segments.errors import AskingTookTooLong
from segments.limits import stopped_after

__all__ = ["suggest_values"]

SAMPLE: Final = 20_000
"""Contacts in the sample; a table that is not much larger is read whole."""
ROWS: Final = 5_000
"""Of events or orders the newest so many."""
MILLISECONDS: Final = 300
"""For each of the two questions."""
LONGEST_TEXT: Final = 200

_MOST_FREQUENT: Final = """SELECT value FROM ({}) AS found WHERE value IS NOT NULL AND value <> ''
AND position(lower({}) IN lower(value)) > 0
GROUP BY value ORDER BY position(lower({}) IN lower(value)) = 1 DESC, count(*) DESC, value LIMIT {}"""
_FURTHER: Final = """SELECT DISTINCT value FROM (SELECT value FROM ({}) AS found WHERE value IS NOT NULL
AND position(lower({}) IN lower(value)) > 0 LIMIT 1000) AS looked_at ORDER BY value LIMIT {}"""


def suggest_values(field_key: str, text: str, limit: int = 10, *, milliseconds: int = MILLISECONDS) -> list[str]:
    """At most ``limit`` values of a field that contain ``text``: those that begin with it first, then frequent ones.

    ``field_key`` is a field that suggests values (``town``, ``fields.shoe``), ``events`` for the keys of event types,
    or a field of rows (``orders.currency``, ``events.params.city``). Empty for any other, for what cannot be there, and
    where it takes longer than ``milliseconds``.
    """
    text = text.strip()
    if "\0" in text or (text and not text.isprintable()) or len(text) > LONGEST_TEXT:
        return []
    registry = DatabaseLookups().registry
    if field_key == "events":
        kinds = registry.relations["events"].kinds or {}
        return _among((key for key, kind in kinds.items() if kind.is_offered), text, limit)
    rows = _find_rows(field_key, registry)
    if rows is not None:
        return _ask(render(_MOST_FREQUENT, rows, text, text, limit), milliseconds)
    field = registry.fields.get(field_key)
    if field is None or not field.suggests:
        return []
    return _of_contacts(field.value, text, limit, milliseconds)


def _of_contacts(value: Clause, text: str, limit: int, milliseconds: int) -> list[str]:
    sample = _sample()
    found = _ask(render(_MOST_FREQUENT, _select(value, sample), text, text, limit), milliseconds)
    if sample and text and len(found) < limit:
        found += _ask(render(_FURTHER, _select(value, ""), text, limit), milliseconds)
    return list(dict.fromkeys(found))[:limit]


def _among(known: Iterable[str], text: str, limit: int) -> list[str]:
    fitting = [key for key in known if text.lower() in key.lower()]
    return sorted(fitting, key=lambda key: (not key.lower().startswith(text.lower()), key))[:limit]


def _select(value: Clause, sample: str) -> Clause:
    select = f"SELECT {{}} AS value FROM contacts_contact contact {sample} WHERE contact.state = {{}}"
    return render(select, value.read_from("contact"), ContactState.ACTIVE.value)


def _sample() -> str:
    """The part of the table that is read, by what the database believes its size to be."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [Contact._meta.db_table])
        (size,) = cursor.fetchone()
    return "" if size <= 2 * SAMPLE else f"TABLESAMPLE SYSTEM ({100 * SAMPLE / size:.6f}) REPEATABLE (1)"


def _find_rows(field_key: str, registry: Registry) -> Clause | None:
    """The values of a field of rows, of the newest ones."""
    key, _dot, of_row = field_key.partition(".")
    relation = registry.relations.get(key)
    if relation is None or not of_row or field_key in registry.fields:
        return None
    return _newest(relation, of_row)


def _newest(relation: Relation, key: str) -> Clause | None:
    field = relation.find_field(key, FieldType.TEXT)
    if field is None or field.type is not FieldType.TEXT:
        return None
    members = relation.members_of(key)
    newest = f"SELECT * FROM {relation.table} r ORDER BY {{}} DESC LIMIT {ROWS}"
    source = render(f"({newest}) r", relation.moment.value)
    if members is not None and members.listed is not None:
        source = render("{} CROSS JOIN LATERAL jsonb_path_query({}, '$[*]') AS of_order (item)", source, members.listed)
    return render("SELECT {} AS value FROM {}", field.value, source)


def _ask(question: Clause, milliseconds: int) -> list[str]:
    try:
        with stopped_after(milliseconds), connection.cursor() as cursor:
            cursor.execute(question.text, question.params)
            return [value for (value,) in cursor.fetchall()]
    except AskingTookTooLong:
        return []
