"""Everything a builder of conditions offers, as JSON: fields by group, operators by type, units, relations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from segments.conditions.dates import LONGEST, MAX_NEARNESS, UNIT_WORDS, Unit
from segments.conditions.fields import Field, FieldType
from segments.conditions.operators import OPERATORS, Arity, Operator, Reads
from segments.conditions.registry import Registry
from segments.conditions.relations import Relation, write_relation

__all__ = ["write_vocabulary"]

GROUPS: Final = {
    "contact": gettext_noop("Contact"),
    "channels": gettext_noop("Channels"),
    "fields": gettext_noop("Custom fields"),
    "activity": gettext_noop("Events and orders"),
    "identifiers": gettext_noop("Identifiers"),
    "consents": gettext_noop("Consents"),
    "membership": gettext_noop("Segments and imports"),
}
"""In the order in which they are offered."""

INPUT_OF_TYPE: Final = {
    FieldType.TEXT: "text",
    FieldType.EXTERNAL_ID: "text",
    FieldType.EMAIL: "text",
    FieldType.PHONE: "text",
    FieldType.NUMBER: "number",
    FieldType.AMOUNT: "number",
    FieldType.DATE: "day",
    FieldType.CHOICE: "option",
    FieldType.CHOICES: "option",
    FieldType.SEGMENT: "segment",
    FieldType.IMPORT: "import",
    FieldType.RANDOM: "percent",
}
INPUT_OF_READING: Final = {
    Reads.TEXT: "text",
    Reads.PATTERN: "text",
    Reads.DURATION: "duration",
    Reads.NEARNESS: "days",
    Reads.DAY_OF_MONTH: "day_of_month",
}


def write_vocabulary(registry: Registry) -> dict[str, Any]:
    """What can be asked in an account with these fields, in the reader's language."""
    relations = {relation.key: relation for relation in registry.relations.values()}
    fields = [*map(_write_relation_field, relations.values()), *(_write_field(field) for field in _fields(registry))]
    return {
        "groups": [{"key": key, "label": _(label)} for key, label in GROUPS.items()],
        "fields": sorted(fields, key=lambda field: list(GROUPS).index(field["group"])),
        "operators": {
            field_type.value: [_write_operator(operator, field_type) for operator in operators.values()]
            for field_type, operators in OPERATORS.items()
        },
        "units": [_write_unit(unit) for unit in Unit],
        "nearness": MAX_NEARNESS,
        "relations": {key: write_relation(relation) for key, relation in relations.items()},
    }


def _fields(registry: Registry) -> Iterator[Field]:
    for key in registry.fields:
        yield registry.fields[key]


def _write_field(field: Field) -> dict[str, Any]:
    written: dict[str, Any] = {
        "key": field.key,
        "label": _(field.label),
        "group": field.group,
        "type": field.type.value,
        "suggests": field.suggests,
        "relation": False,
        "keeps_days": field.type is FieldType.DATE and field.date_form.keeps_days,
    }
    if field.options:
        written["options"] = [{"key": option.key, "label": _(option.label)} for option in field.options]
    return written


def _write_relation_field(relation: Relation) -> dict[str, Any]:
    return {
        "key": relation.key,
        "label": _(relation.label),
        "group": relation.group,
        "type": relation.key,
        "suggests": False,
        "relation": True,
        "keeps_days": False,
    }


def _write_operator(operator: Operator, field_type: FieldType) -> dict[str, Any]:
    return {
        "key": operator.key,
        "label": _(operator.label),
        "arity": operator.arity.name.lower(),
        "input": _input_of(operator, field_type),
        "when_not_set": operator.holds_when_not_set,
        "hint": _(operator.hint) if operator.hint else "",
    }


def _input_of(operator: Operator, field_type: FieldType) -> str:
    if operator.arity is Arity.NONE:
        return "none"
    return INPUT_OF_TYPE[field_type] if operator.reads is Reads.FIELD else INPUT_OF_READING[operator.reads]


def _write_unit(unit: Unit) -> dict[str, Any]:
    """``within_a_day``: not for fields that keep days without a time."""
    label = ngettext(*UNIT_WORDS[unit], 2).format(count="").strip()
    return {"key": unit.value, "label": label, "most": LONGEST[unit], "within_a_day": unit.is_within_a_day}
