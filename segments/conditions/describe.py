"""Tree → an English sentence, or one in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segments.conditions.dates import Duration, Nearness
from segments.conditions.errors import UnknownField, UnknownOperator
from segments.conditions.fields import Field, FieldType
from segments.conditions.operators import Arity, operator_of
from segments.conditions.registry import Registry
from segments.conditions.relations import Relation, field_of_measure, field_of_row, name_measured
from segments.conditions.sampling import Share
from segments.conditions.tree import Combine, Condition, Definition, Group, Node, Rows, Value, Zone

__all__ = ["describe", "describe_condition", "describe_node"]

SHOWN_VALUES: Final = 5

Leaf = Callable[[Condition], str]


def describe(definition: Definition, registry: Registry) -> str:
    """What ``definition`` means, as a sentence with its full stop."""
    text = describe_node(definition.match, registry)
    if definition.exclude is not None:
        excluded = describe_node(definition.exclude, registry)
        text = _("{match}, except {exclude}").format(match=text, exclude=excluded)
    if definition.zone is Zone.CONTACT:
        text = _("{sentence}, in the contact's time zone").format(sentence=text)
    first = len(text) - len(text.lstrip("("))
    return _("{sentence}.").format(sentence=text[:first] + text[first : first + 1].upper() + text[first + 1 :])


def describe_node(node: Node, registry: Registry) -> str:
    """What ``node`` means, as a part of a sentence."""
    return _describe_node(node, lambda condition: describe_condition(condition, registry))


def describe_condition(condition: Condition, registry: Registry) -> str:
    """The condition without its negation."""
    if condition.rows is not None:
        return _describe_rows(condition, condition.rows, registry)
    field = registry.fields.get(condition.field)
    if field is None:
        raise UnknownField(path=f"{condition.path}.field", field=condition.field)
    return _describe_comparison(condition, field, _(field.label), registry)


def _describe_rows(condition: Condition, rows: Rows, registry: Registry) -> str:
    relation = registry.relations.get(condition.field)
    if relation is None:
        raise UnknownField(path=f"{condition.path}.field", field=condition.field)
    further = []
    if rows.period is not None:
        further.append(_describe_of_row(rows.period, relation, registry))
    if rows.where is not None:
        further.append(_describe_node(rows.where, lambda leaf: _describe_of_row(leaf, relation, registry)))
    field = field_of_measure(relation.measures[rows.measure], relation)
    return _describe_comparison(condition, field, name_measured(rows, relation, further), registry)


def _describe_of_row(condition: Condition, relation: Relation, registry: Registry) -> str:
    field = field_of_row(condition, relation)
    return _describe_comparison(condition, field, _(field.label), registry)


def _describe_comparison(condition: Condition, field: Field, name: str, registry: Registry) -> str:
    operator = operator_of(field, condition.operator)
    if operator is None:
        raise UnknownOperator(path=f"{condition.path}.op", operator=condition.operator)
    shown = [_describe_value(value, field, registry) for value in condition.values[:SHOWN_VALUES]]
    words: dict[str, Any] = {"field": name}
    match operator.arity:
        case Arity.ONE:
            words["value"] = shown[0]
        case Arity.TWO:
            words["low"], words["high"] = shown
        case Arity.MANY:
            words["values"] = _list_values(shown, len(condition.values))
    return _(operator.sentence).format(**words)


def _describe_node(node: Node, describe_leaf: Leaf) -> str:
    text = _describe_group(node, describe_leaf) if isinstance(node, Group) else describe_leaf(node)
    return _("not ({condition})").format(condition=text) if node.negated else text


def _describe_group(group: Group, describe_leaf: Leaf) -> str:
    parts = [
        _bracket(child, describe_leaf) if len(group.children) > 1 else _describe_node(child, describe_leaf)
        for child in group.children
    ]
    match group.combine:
        case Combine.ALL:
            return _(" and ").join(parts)
        case Combine.ANY:
            return _(" or ").join(parts)
        case Combine.NONE:
            return _("none of these holds: {conditions}").format(conditions="; ".join(parts))


def _bracket(node: Node, describe_leaf: Leaf) -> str:
    text = _describe_node(node, describe_leaf)
    is_plain = isinstance(node, Condition) or node.negated or _is_wrapping(node)
    return text if is_plain else f"({text})"


def _is_wrapping(group: Group) -> bool:
    return len(group.children) == 1 and group.combine is not Combine.NONE


def _describe_value(value: Value, field: Field, registry: Registry) -> str:
    if field.type is FieldType.SEGMENT and isinstance(value, int):
        return _("“{text}”").format(text=registry.segments.get(value, value))
    if field.type is FieldType.IMPORT and isinstance(value, int):
        return _("{number} (“{file}”)").format(number=value, file=registry.imports.get(value, ""))
    if isinstance(value, Duration | Nearness):
        return ngettext(*value.words, value.count).format(count=value.count)
    if isinstance(value, Share):
        return _("{percent} %").format(percent=value.percent)
    if isinstance(value, date):
        return date_format(value, "Y-m-d")
    option = field.option(value)
    if option is not None:
        return _("“{text}”").format(text=_(option.label))
    return _("“{text}”").format(text=value) if isinstance(value, str) else str(value)


def _list_values(shown: list[str], total: int) -> str:
    listed = ", ".join(shown)
    if total <= len(shown):
        return listed
    return _("{values} and {count} more").format(values=listed, count=total - len(shown))
