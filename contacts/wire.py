"""What every door that reads JSON has in common: lenient in form, and exact about where something was sent (pure).

A body becomes a raw record as ``contacts.normalize`` reads it. What cannot be read at all is a problem with the path it
was sent under; whether a value will do is for normalisation to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from contacts.records import Problem

__all__ = [
    "LARGEST_ID",
    "MAX_DETAIL",
    "WireContact",
    "Zone",
    "is_empty",
    "objects_of",
    "read_moment",
    "read_text",
    "trouble_of",
]

Zone = Callable[[], tzinfo]
"""Gives the zone of a time that says none; asked only where there is one."""

LARGEST_ID: Final = 2**63 - 1
MAX_DETAIL: Final = 500
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:$|[Tt ]\d)", re.ASCII)
"""Else a row of digits would be read as some date."""
LONGEST_MOMENT: Final = 40


@dataclass(slots=True)
class WireContact:
    """A body as it was read: the raw record, where each of its columns came from, and what could not be read at all."""

    record: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))

    def put(self, column: str, value: Any, path: str) -> None:
        self.record[column] = value
        self.paths[column] = path

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems of columns as problems of paths in the body."""
        return [problem._replace(column=self.path_of(problem.column)) for problem in problems]

    def path_of(self, column: str) -> str:
        """``identifiers[2].value`` is found by its longest known beginning, ``identifiers[2]``."""
        if column in self.paths:
            return self.paths[column]
        known, dot, rest = column.rpartition(".")
        return f"{self.path_of(known)}{dot}{rest}" if known else column


def objects_of(wire: WireContact, name: str, given: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list, each with its path; one object counts as a list of one."""
    if is_empty(given):
        return
    items = given if isinstance(given, list) else [given]
    for position, item in enumerate(items):
        path = f"{name}[{position}]"
        if isinstance(item, Mapping):
            yield path, item
        elif not is_empty(item):
            wire.refuse(path, "not_an_object", f"Send “{name}” as a list of objects.")


def is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def trouble_of(value: Any) -> tuple[str, str] | None:
    """Why a text that is only kept, and never compared, cannot be kept."""
    if isinstance(value, Mapping | list):
        return "not_text", "Write this value as text."
    text = str(value)
    if len(text) > MAX_DETAIL:
        return "too_long", f"The value has at most {MAX_DETAIL} characters, this one {len(text)}."
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return "invalid_character", "The value holds a character that cannot be stored; remove it."
    return None


def read_text(value: Any) -> Any:
    """A trimmed text, numbers as texts, empty where there is none; what is no text stays as it is, to be refused."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def read_moment(value: Any, zone: Zone) -> datetime | None:
    """ISO 8601, up to microseconds, finer digits are cut; None for what is no time."""
    text = read_text(value)
    if not isinstance(text, str) or len(text) > LONGEST_MOMENT or not MOMENT.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
