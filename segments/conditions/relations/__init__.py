"""Relations: rows that contacts have in other tables, asked about in conditions.

A ``Relation`` says which table, whose rows, when they happened, which fields a row has and what can be measured over
them; a ``Measure`` is one object with its SQL and its words. ``compile_rows`` writes one set of contact ids for all
contacts at once, so that PostgreSQL can join it. Everything here is pure: the account's event types are given.
"""

from segments.conditions.relations.compile import (
    compile_measured,
    compile_rows,
    field_of_measure,
    field_of_row,
    filter_rows,
)
from segments.conditions.relations.events import build_events
from segments.conditions.relations.identifiers import build_identifiers
from segments.conditions.relations.measures import Measure
from segments.conditions.relations.members import MEMBER_TYPES
from segments.conditions.relations.orders import ORDERS
from segments.conditions.relations.relation import Relation, RowKind
from segments.conditions.relations.words import name_measured, write_relation

__all__ = [
    "MEMBER_TYPES",
    "ORDERS",
    "Measure",
    "Relation",
    "RowKind",
    "build_events",
    "build_identifiers",
    "compile_measured",
    "compile_rows",
    "field_of_measure",
    "field_of_row",
    "filter_rows",
    "name_measured",
    "write_relation",
]
