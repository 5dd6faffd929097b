"""Which segments a definition names, and rings among them (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["find_cycle", "named_fields", "named_kinds", "named_segments", "with_values"]


def named_segments(data: Any) -> set[int]:
    """The ids of the segments that a stored definition names."""
    return {node["value"] for node in _nodes(data) if node.get("field") == "segment" and _is_id(node.get("value"))}


def named_fields(data: Any) -> set[str]:
    """The fields that a stored definition asks for."""
    return {node["field"] for node in _nodes(data) if isinstance(node.get("field"), str)}


def named_kinds(data: Any) -> set[tuple[str, str]]:
    """The kinds of rows that a stored definition names: the relation and the kind's key."""
    return {
        (node["field"], node["type"])
        for node in _nodes(data)
        if isinstance(node.get("field"), str) and isinstance(node.get("type"), str)
    }


def with_values(data: Any, field: str, renamed: Mapping[str, str]) -> Any:
    """The stored definition with other values where conditions of ``field`` name some."""
    if isinstance(data, list):
        return [with_values(item, field, renamed) for item in data]
    if not isinstance(data, dict):
        return data
    changed = {key: with_values(item, field, renamed) for key, item in data.items()}
    if data.get("field") == field and "value" in changed:
        changed["value"] = _renamed(changed["value"], renamed)
    return changed


def _renamed(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return list(dict.fromkeys(_renamed(item, renamed) if isinstance(item, str) else item for item in value))
    return renamed.get(value, value) if isinstance(value, str) else value


def find_cycle(start: int, references: Mapping[int, set[int]]) -> list[int]:
    """A way from ``start`` back to itself, both ends included; empty if there is none."""
    stack: list[list[int]] = [[start]]
    seen: set[int] = set()
    while stack:
        way = stack.pop()
        for named in sorted(references.get(way[-1], set())):
            if named == start:
                return [*way, start]
            if named not in seen:
                seen.add(named)
                stack.append([*way, named])
    return []


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
