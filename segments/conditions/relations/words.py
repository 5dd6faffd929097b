"""Relations in words: within a sentence, and for whoever builds a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from segments.conditions.fields import Field
from segments.conditions.relations.compile import named_fields
from segments.conditions.relations.relation import Relation, RowKind
from segments.conditions.tree import Rows

__all__ = ["name_measured", "write_relation"]


def name_measured(rows: Rows, relation: Relation, further: Sequence[str]) -> str:
    """What is measured, as a noun: ``number of events “Purchase” (…)``. ``further`` says which rows, in words."""
    measure = relation.measures[rows.measure]
    one, many = _name_rows(rows, relation)
    of = relation.find_number(rows.of) if rows.of else None
    text = _(measure.words).format(row=one, rows=many, of="" if of is None else _(of.label))
    return _("{rows} ({conditions})").format(rows=text, conditions="; ".join(further)) if further else text


def _name_rows(rows: Rows, relation: Relation) -> tuple[str, str]:
    """One row, and several."""
    one, many = _(relation.one), _(relation.many)
    if relation.assumed is not None and relation.assumed.field not in named_fields(rows):
        one, many = _(relation.assumed.one), _(relation.assumed.many)
    if rows.type is None or relation.kinds is None:
        return one, many
    label = _(relation.kinds[rows.type].label)
    one = _("{rows} “{type}”").format(rows=one, type=label)
    return one, _("{rows} “{type}”").format(rows=many, type=label)


def write_relation(relation: Relation) -> dict[str, Any]:
    """A relation as JSON, with everything that a condition on it may choose from."""
    return {
        "key": relation.key,
        "label": _(relation.label),
        "measures": [
            {"key": measure.key, "label": _(measure.label), "type": measure.type.value, "of": measure.takes_of}
            for measure in relation.measures.values()
        ],
        "types": None if relation.kinds is None else [_write_kind(key, kind) for key, kind in relation.kinds.items()],
        "period": _write_field(relation.moment),
        "fields": [_write_field(field) | {"of": field.key in relation.sums} for field in relation.fields.values()],
        "members": [
            {"prefix": members.prefix, "label": _(members.label), "of": members.prefix in relation.sums}
            for members in relation.members
        ],
    }


def _write_kind(key: str, kind: RowKind) -> dict[str, Any]:
    written: dict[str, Any] = {"key": key, "label": _(kind.label)}
    return written if kind.is_offered else written | {"is_offered": False}


def _write_field(field: Field) -> dict[str, Any]:
    options = [{"key": option.key, "label": _(option.label)} for option in field.options]
    return {"key": field.key, "label": _(field.label), "type": field.type.value, "options": options}
