"""JSON → tree (pure). Fails closed: every place that is not understood is an error with its path.

``{"version": 1, "match": NODE, "exclude": NODE?, "time_zone": "account" | "contact"?}``, where a node is a group,
``{"all" | "any" | "none": [NODE, …]}``, or a condition, ``{"field": …, "op": …, "value": …}``; either may carry
``"not": true``. A condition whose operator takes no value has none, one that takes two or many has a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
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
    UnknownOperator,
    UnknownVersion,
    WrongShape,
)
from segments.conditions.fields import Field
from segments.conditions.operators import Arity, Operator, operator_of
from segments.conditions.registry import Registry
from segments.conditions.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_VALUES,
    Combine,
    Condition,
    Definition,
    Group,
    Node,
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
_KEYS_IN_ORDER: Final = ("version", "time_zone", "match", "exclude", "not", "field", "op", "value", *Combine)


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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


class _Parser:
    """Reads one definition. Each method answers None after noting why it could not."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.errors: list[DefinitionError] = []
        self.size = 0

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
            return self.read_condition(data, path)
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

    def read_condition(self, data: dict[str, Any], path: str) -> Condition | None:
        self.size += 1
        if self.size > MAX_CONDITIONS:
            return self.note(TooLarge(path=path))
        self.refuse_other_keys(data, _CONDITION_KEYS, path)
        found = self.find_operator(data, path)
        if found is None:
            return None
        field, operator = found
        values = self.read_values(data, field, operator, f"{path}.value")
        if values is None:
            return None
        return Condition(field.key, operator.key, values, data.get("not", False), path)

    def find_operator(self, data: dict[str, Any], path: str) -> tuple[Field, Operator] | None:
        key, op = data.get("field"), data.get("op")
        field = self.registry.fields.get(key) if isinstance(key, str) else None
        if field is None:
            return self.note(UnknownField(path=f"{path}.field", field=key))
        operator = operator_of(field, op) if isinstance(op, str) else None
        if operator is None:
            return self.note(UnknownOperator(path=f"{path}.op", field=key, operator=op))
        return field, operator

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
