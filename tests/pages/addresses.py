"""All addresses that the resolver knows, filled with the ids of a sample world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.urls import URLPattern, get_resolver

__all__ = ["Address", "Unplaced", "list_addresses"]


class Unplaced(Exception):
    """A part of an address has no sample: tell it in ``world.py``."""


class Address(NamedTuple):
    """``name`` is the pattern's, behind its namespace; where it has none, the pattern itself."""

    name: str
    path: str


def list_addresses(samples: Mapping[str, Any]) -> list[Address]:
    """``samples`` has a value for each parameter's name; for an ``object_id`` under its model: ``crm.apikey``."""
    found = {Address(name or route, fill(route, names, samples)): None for name, route, names in walk(get_resolver())}
    return list(found)


def walk(resolver: Any, prefix: str = "", space: str = "") -> Iterator[tuple[str, str, list[str]]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            name = ":".join(filter(None, (space, entry.name))) if entry.name else ""
            yield name, route, list(entry.pattern.converters) or list(entry.pattern.regex.groupindex)
        else:
            yield from walk(entry, route, ":".join(filter(None, (space, entry.namespace))))


def fill(route: str, names: list[str], samples: Mapping[str, Any]) -> str:
    """The route with samples in the places of its parameters."""
    path = route
    for name in names:
        start, end = find_place(path, name)
        path = path[:start] + str(sample_for(route, name, samples)) + path[end:]
    return "/" + path.replace("^", "").removesuffix("$")


def find_place(path: str, name: str) -> tuple[int, int]:
    """Where ``<int:name>`` or ``(?P<name>…)`` stands."""
    named = path.find(f"(?P<{name}>")
    if named >= 0:
        return named, path.index(")", named) + 1
    end = path.index(f"{name}>") + len(name) + 1
    return path.rindex("<", 0, end), end


def sample_for(route: str, name: str, samples: Mapping[str, Any]) -> Any:
    key = name
    if name == "object_id" and not route.startswith("admin/r/"):
        _admin, app, model, *_rest = route.split("/")
        key = f"{app}.{model}"
    if name == "verb":
        key = f"{route.split('/')[2]}.verb"
    if key not in samples:
        raise Unplaced(f"{route}: there is no sample of {key}")
    return samples[key]
