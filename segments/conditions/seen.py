"""What rows keep in their JSON objects: names and types for builders of conditions.

Parameters of events are noted as these come; of other rows the newest show what there is. Only a proposal: a condition
may name what nobody has sent yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import Max

from contacts.models import EventParameter
from segments.conditions.fields import FieldType
from segments.conditions.relations import Relation
from segments.conditions.sql import Clause, render

__all__ = ["SeenMember", "read_members", "read_parameters"]

ROWS_LOOKED_AT: Final = 500
COMPARED_AS: Final = {
    "text": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "list": FieldType.TEXT,
}
"""By the kind of a parameter's value. What an object holds has names of its own."""
MEMBERS_AT_MOST: Final = 200
PARAMETERS_AT_MOST: Final = 5_000

_SEEN: Final = """
SELECT member.key, CASE jsonb_typeof(member.value) WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'boolean'
    ELSE CASE WHEN member.value #>> ARRAY[]::text[] ~ {} THEN 'date' ELSE 'text' END END AS type
FROM (SELECT {} AS held FROM {} r WHERE {} ORDER BY {} DESC LIMIT {}) AS newest,
    jsonb_path_query(newest.held, '$[*]') AS one (value),
    jsonb_each(CASE jsonb_typeof(one.value) WHEN 'object' THEN one.value END) AS member
WHERE member.value <> 'null' GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT {}
"""
_DATE: Final = r"^\d{4}-\d{2}-\d{2}"


@dataclass(frozen=True, slots=True)
class SeenMember:
    """``field`` is written in conditions; ``types`` are those of its values, the most frequent first."""

    field: str
    name: str
    types: tuple[FieldType, ...]


def read_members(relation: Relation, type_key: str | None = None) -> list[SeenMember]:
    """The members of the newest rows, of one type where ``type_key`` is given."""
    rows = Clause("true") if relation.assumed is None else relation.assumed.clause
    if relation.kinds is not None and type_key is not None:
        if type_key not in relation.kinds:
            return []
        rows = relation.kinds[type_key].clause
    return [seen for members in relation.members for seen in _read(relation, members.prefix, members.column, rows)]


def read_parameters(relation: Relation, type_key: str | None = None) -> list[SeenMember]:
    """The parameters that events had, of one type where ``type_key`` is given; the last one's type stands first."""
    noted = EventParameter.objects.filter(kind__in=COMPARED_AS)
    if type_key is not None:
        noted = noted.filter(type__key=type_key)
    latest = noted.values_list("name", "kind").annotate(at=Max("last_seen_at")).order_by("name", "-at", "kind")
    types: dict[str, list[FieldType]] = {}
    for name, kind, _at in latest[:PARAMETERS_AT_MOST]:
        types.setdefault(name, []).append(COMPARED_AS[kind])
    return [
        SeenMember(members.prefix + name, name, tuple(dict.fromkeys(kinds)))
        for members in relation.members
        for name, kinds in types.items()
    ]


def _read(relation: Relation, prefix: str, held: Clause, rows: Clause) -> list[SeenMember]:
    newest = (held, Clause(relation.table), rows, relation.moment.value, ROWS_LOOKED_AT)
    asked = render(_SEEN, _DATE, *newest, MEMBERS_AT_MOST)
    types: dict[str, list[FieldType]] = {}
    with connection.cursor() as cursor:
        cursor.execute(asked.text, asked.params)
        for name, kind in cursor.fetchall():
            types.setdefault(name, []).append(FieldType(kind))
    return [SeenMember(prefix + name, name, tuple(kinds)) for name, kinds in sorted(types.items())]
