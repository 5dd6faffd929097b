"""A stored value of one type as a value of another (pure).

A value that has the other type already stays as it is, so that a work which was stopped may begin again. What a value
may be is said by ``contacts.normalize``; here it is only written as a person would have written it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from contacts.columns import Column
from contacts.normalize import InvalidValue, Schema

__all__ = ["KEY_TYPES", "Converter", "converter_to", "replacer_of"]

KEY_TYPES: Final = frozenset({"text", "number", "choice"})
"""Types whose values can identify somebody."""
MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
"""As dates with times are stored."""
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Converter = Callable[[Any], Any]


def converter_to(column: Column, *, zone: ZoneInfo) -> Converter:
    """Stored value → the value in ``column``; raises ``InvalidValue`` where it cannot be read as such.

    Days and moments become each other in the account's time zone.
    """
    clean = Schema((column,)).cleaners[column.key]

    def convert(value: Any) -> Any:
        cleaned = clean(_write(value, column.type, zone))
        if cleaned is None:
            raise InvalidValue("empty", "Nothing is left of this value.")
        return cleaned

    return convert


def replacer_of(replaced: Mapping[str, str | None]) -> Converter:
    """Stored option or options → the same with others in the place of some; None takes one away."""

    def replace(value: Any) -> Any:
        if isinstance(value, list):
            kept = [replaced.get(item, item) if isinstance(item, str) else item for item in value]
            return [item for item in dict.fromkeys(kept) if item is not None] or None
        return replaced.get(value, value) if isinstance(value, str) else value

    return replace


def _write(value: Any, wanted: str, zone: ZoneInfo) -> Any:
    if isinstance(value, list):
        return _write_list(value, wanted)
    if isinstance(value, bool):
        return _write_boolean(value, wanted)
    if isinstance(value, float) and wanted not in ("number", "decimal"):
        return f"{value:.15g}"
    if isinstance(value, str) and wanted == "date" and MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(zone).date().isoformat()
    if isinstance(value, str) and wanted == "datetime" and DAY.fullmatch(value.strip()):
        return _midnight(value.strip(), zone)
    return value


def _write_list(value: list[Any], wanted: str) -> Any:
    if wanted == "choices":
        return value
    if len(value) == 1:
        return value[0]
    if wanted in ("text", "long_text"):
        return ", ".join(map(str, value))
    raise InvalidValue("several_values", "There are several options here, and only one fits.")


def _write_boolean(value: bool, wanted: str) -> Any:
    if wanted in ("number", "decimal"):
        return int(value)
    return value if wanted == "boolean" else str(value).lower()


def _midnight(day: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.combine(datetime.fromisoformat(day), time(), zone)
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return day  # what is wrong with it is said where it is read
