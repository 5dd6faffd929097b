"""JSON → tree (pure). Fails closed: every place that is not understood is an error with its path.

``{"version": 1, "match": NODE, "exclude": NODE?, "time_zone": "account" | "contact"?}``, where a node is a group,
``{"all" | "any" | "none": [NODE, …]}``, or a condition, ``{"field": …, "op": …, "value": …}``; either may carry
``"not": true``. A condition whose operator takes no value has none, one that takes two or many has a list.

Where the field is a relation, ``"measure"`` (``"any"`` unless given), ``"type"``, ``"of"``, ``"period"`` (``{"op": …,
"value": …}`` of when rows happened) and ``"where"`` (a NODE whose fields are those of a row) may stand beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from segments.conditions.errors import (
    BrokenGroup,
    DefinitionError,
    DefinitionRefused,
    EmptyGroup,
    InvalidValue,
    NotJson,
    TooDeep,
    TooLarge,
    UnknownField,
    UnknownKey,
    UnknownMeasure,
    UnknownOperator,
    UnknownType,
    UnknownVersion,
    WrongShape,
)
from segments.conditions.fields import Field, FieldType
from segments.conditions.operators import OPERATORS, Arity, Operator, operator_of
from segments.conditions.registry import Registry
from segments.conditions.relations import MEMBER_TYPES, Measure, Relation, field_of_measure
from segments.conditions.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    Combine,
    Condition,
    Definition,
    Group,
    Node,
    Rows,
    Value,
    Zone,
)
from segments.conditions.values import read_value

__all__ = ["VERSION", "load_json", "parse", "write_json"]

VERSION: Final = 1
MAX_JSON: Final = 1_000_000
MAX_ERRORS: Final = 20
_COMBINES: Final = frozenset(Combine)
_CONDITION_KEYS: Final = frozenset({"field", "op", "value", "not"})
_TOP_KEYS: Final = frozenset({"version", "match", "exclude", "time_zone"})
_ROW_KEYS: Final = frozenset({"measure", "type", "of", "period", "where"})
_KEYS_IN_ORDER: Final = (
    "version",
    "time_zone",
    "match",
    "exclude",
    "not",
    "field",
    "measure",
    "of",
    "type",
    "period",
    "where",
    "op",
    "value",
    *Combine,
)


def load_json(text: str) -> Any:
    """What ``text`` says; raises ``DefinitionRefused`` if it is no JSON or far too long."""
    if len(text) > MAX_JSON:
        raise DefinitionRefused([TooLarge()])
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DefinitionRefused([NotJson()]) from error


def write_json(data: Any) -> str:
    """A definition as people read it: a line for each condition, keys in the order of the language."""
    return _write(data, "")


def _write(item: Any, margin: str) -> str:
    if isinstance(item, dict) and "field" not in item:
        lines = [f"{margin}  {json.dumps(key)}: {_write(item[key], margin + '  ')}" for key in _in_order(item)]
        return "{\n" + ",\n".join(lines) + f"\n{margin}}}"
    if isinstance(item, list) and any(isinstance(child, dict) for child in item):
        lines = [f"{margin}  {_write(child, margin + '  ')}" for child in item]
        return "[\n" + ",\n".join(lines) + f"\n{margin}]"
    ordered = {key: item[key] for key in _in_order(item)} if isinstance(item, dict) else item
    return json.dumps(ordered, ensure_ascii=False)


def _in_order(item: dict[str, Any]) -> list[str]:
    return sorted(item, key=lambda key: _KEYS_IN_ORDER.index(key) if key in _KEYS_IN_ORDER else len(_KEYS_IN_ORDER))


def parse(data: Any, registry: Registry) -> Definition:
    """What ``data`` means; raises ``DefinitionRefused`` with every error found (at most 20)."""
    parser = _Parser(registry)
    definition = parser.read_definition(data)
    if definition is None or parser.errors:
        raise DefinitionRefused(list(parser.errors[:MAX_ERRORS]))
    return definition


def _type_of_member(op: Any, value: Any) -> FieldType | None:
    """What a member of a JSON object is compared as: a number with a number, else the first type that has ``op``."""
    first = value[0] if isinstance(value, list) and value else value
    is_number = isinstance(first, int | float) and not isinstance(first, bool)
    types = (FieldType.NUMBER, *MEMBER_TYPES) if is_number else MEMBER_TYPES
    fitting = (each for each in types if isinstance(op, str) and op in OPERATORS[each])
    return next(fitting, FieldType.TEXT)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


class _Parser:
    """Reads one definition. Each method answers None after noting why it could not."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.errors: list[DefinitionError] = []
        self.size = 0
        self.relation: Relation | None = None

    def read_definition(self, data: Any) -> Definition | None:
        if not isinstance(data, dict):
            return self.note(WrongShape('Write an object with "version" and "match".'))
        if data.get("version") != VERSION or isinstance(data["version"], bool):
            return self.note(UnknownVersion(path="version"))
        self.refuse_other_keys(data, _TOP_KEYS, "")
        if "match" not in data:
            return self.note(WrongShape('"match" is missing. Write a group or a condition.', path="match"))
        zone = self.read_zone(data)
        match = self.read_node(data["match"], "match", depth=1)
        exclude = self.read_node(data["exclude"], "exclude", depth=1) if "exclude" in data else None
        if match is None or zone is None:
            return None
        return Definition(match, exclude, zone)

    def read_zone(self, data: dict[str, Any]) -> Zone | None:
        named = data.get("time_zone", Zone.ACCOUNT)
        if named not in list(Zone):
            return self.note(InvalidValue('The time zone is "account" or "contact".', path="time_zone"))
        return Zone(named)

    def read_node(self, data: Any, path: str, depth: int) -> Node | None:
        if not isinstance(data, dict):
            return self.note(WrongShape(path=path))
        if not isinstance(data.get("not", False), bool):
            return self.note(WrongShape('"not" is true or false.', path=f"{path}.not"))
        if "field" in data or "op" in data:
            return self.read_condition(data, path, depth)
        return self.read_group(data, path, depth)

    def read_group(self, data: dict[str, Any], path: str, depth: int) -> Group | None:
        combines = _COMBINES & data.keys()
        if len(combines) != 1 or not isinstance(data[next(iter(combines))], list):
            return self.note(BrokenGroup(path=path))
        combine = Combine(next(iter(combines)))
        self.refuse_other_keys(data, {combine, "not"}, path)
        if not data[combine]:
            return self.note(EmptyGroup(path=f"{path}.{combine}"))
        if depth > MAX_DEPTH:
            return self.note(TooDeep(path=path))
        children = self.read_children(data[combine], f"{path}.{combine}", depth)
        if not children:
            return None
        return Group(combine, tuple(children), data.get("not", False), path)

    def read_children(self, items: list[Any], path: str, depth: int) -> list[Node]:
        children = []
        for position, item in enumerate(items):
            if self.size > MAX_CONDITIONS or len(self.errors) >= MAX_ERRORS:
                break
            child = self.read_node(item, f"{path}[{position}]", depth + 1)
            if child is not None:
                children.append(child)
        return children

    def read_condition(self, data: dict[str, Any], path: str, depth: int) -> Condition | None:
        self.size += 1
        if self.size > MAX_CONDITIONS:
            return self.note(TooLarge(path=path))
        key = data.get("field")
        relation = self.registry.relations.get(key) if isinstance(key, str) and self.relation is None else None
        if relation is not None:
            return self.read_relation(data, relation, path, depth)
        self.refuse_other_keys(data, _CONDITION_KEYS, path)
        field = self.find_field(key, data)
        if field is None:
            return self.note(UnknownField(path=f"{path}.field", field=key))
        condition = self.read_comparison(data, field, path)
        if condition is None or self.relation is None or self.relation.members_of(field.key) is None:
            return condition
        return replace(condition, compared_as=field.type)

    def find_field(self, key: Any, data: dict[str, Any]) -> Field | None:
        """The contact's, or the row's while the conditions of rows are read."""
        if not isinstance(key, str):
            return None
        if self.relation is None:
            return self.registry.fields.get(key)
        return self.relation.find_field(key, _type_of_member(data.get("op"), data.get("value")))

    def read_comparison(self, data: dict[str, Any], field: Field, path: str) -> Condition | None:
        """What the operator and the value say of ``field``."""
        op = data.get("op")
        operator = operator_of(field, op) if isinstance(op, str) else None
        if operator is None:
            return self.note(UnknownOperator(path=f"{path}.op", field=field.key, operator=op))
        values = self.read_values(data, field, operator, f"{path}.value")
        if values is None:
            return None
        return Condition(field.key, operator.key, values, data.get("not", False), path)

    def read_relation(self, data: dict[str, Any], relation: Relation, path: str, depth: int) -> Condition | None:
        self.refuse_other_keys(data, _CONDITION_KEYS | _ROW_KEYS, path)
        before = len(self.errors)
        measure = self.read_measure(data, relation, path)
        if measure is None:
            return None
        condition = self.read_comparison(data, field_of_measure(measure, relation), path)
        rows = Rows(
            measure.key,
            self.read_type(data, relation, path),
            self.read_of(data, relation, measure, path),
            self.read_period(data, relation, path),
            self.read_where(data, relation, path, depth),
        )
        return None if condition is None or len(self.errors) > before else replace(condition, rows=rows)

    def read_measure(self, data: dict[str, Any], relation: Relation, path: str) -> Measure | None:
        key = data.get("measure", "any")
        measure = relation.measures.get(key) if isinstance(key, str) else None
        return measure or self.note(UnknownMeasure(path=f"{path}.measure", measure=key))

    def read_type(self, data: dict[str, Any], relation: Relation, path: str) -> str | None:
        if "type" not in data:
            return None
        if relation.kinds is None:
            return self.note(UnknownKey(path=f"{path}.type"))
        key = data["type"]
        if not isinstance(key, str) or key not in relation.kinds:
            return self.note(UnknownType(path=f"{path}.type", type=key))
        return key

    def read_of(self, data: dict[str, Any], relation: Relation, measure: Measure, path: str) -> str | None:
        """What is added up."""
        if not measure.takes_of:
            return self.note(UnknownKey(path=f"{path}.of")) if "of" in data else None
        key = data.get("of")
        if not isinstance(key, str) or relation.find_number(key) is None:
            return self.note(UnknownField("Choose the number that is added up.", path=f"{path}.of", field=key))
        return key

    def read_period(self, data: dict[str, Any], relation: Relation, path: str) -> Condition | None:
        if "period" not in data:
            return None
        period, path = data["period"], f"{path}.period"
        if not isinstance(period, dict):
            return self.note(WrongShape('Write an object with "op" and "value".', path=path))
        self.refuse_other_keys(period, {"op", "value"}, path)
        if period.get("op") in ("is_empty", "is_not_empty"):
            return self.note(UnknownOperator(path=f"{path}.op", field=relation.moment.key, operator=period["op"]))
        return self.read_comparison(period, relation.moment, path)

    def read_where(self, data: dict[str, Any], relation: Relation, path: str, depth: int) -> Node | None:
        if "where" not in data:
            return None
        self.relation = relation
        where = self.read_node(data["where"], f"{path}.where", depth + 1)
        self.relation = None
        return where

    def read_values(
        self, data: dict[str, Any], field: Field, operator: Operator, path: str
    ) -> tuple[Value, ...] | None:
        if operator.arity is Arity.NONE:
            return () if "value" not in data else self.note(UnknownKey(path=path))
        if "value" not in data:
            return self.note(InvalidValue("The value is missing. Write one.", path=path))
        raw = data["value"]
        if operator.arity is Arity.ONE:
            return self.read_each([(raw, path)], field, operator)
        if not isinstance(raw, list) or not raw or (operator.arity is Arity.TWO and len(raw) != 2):
            wanted = "Write a list of two values." if operator.arity is Arity.TWO else "Write a list of values."
            return self.note(InvalidValue(wanted, path=path))
        if len(raw) > MAX_VALUES:
            return self.note(InvalidValue(f"The list has at most {MAX_VALUES} values.", path=path))
        return self.read_each(((item, f"{path}[{position}]") for position, item in enumerate(raw)), field, operator)

    def read_each(self, items: Iterable[tuple[Any, str]], field: Field, operator: Operator) -> tuple[Value, ...] | None:
        values, before = [], len(self.errors)
        for raw, path in items:
            try:
                values.append(read_value(raw, field, operator, self.registry, path))
            except DefinitionError as error:
                self.errors.append(error)
        return tuple(values) if len(self.errors) == before else None

    def refuse_other_keys(self, data: dict[str, Any], known: Iterable[str], path: str) -> None:
        for key in data.keys() - set(known):
            self.errors.append(UnknownKey(path=f"{path}.{key}".lstrip(".")))

    def note(self, error: DefinitionError) -> None:
        self.errors.append(error)
