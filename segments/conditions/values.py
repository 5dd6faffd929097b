"""Reading the values of a condition (pure): each in the form it is compared in, or an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from contacts.normalize import InvalidValue as Unreadable
from contacts.normalize import clean_email
from contacts.phones import parse_phone
from segments.conditions.dates import FIRST_DAY, LAST_DAY, LONGEST, MAX_NEARNESS, Duration, Nearness, Unit
from segments.conditions.errors import InvalidValue, UnknownImport, UnknownSegment
from segments.conditions.fields import Field, FieldType
from segments.conditions.operators import Operator, Reads
from segments.conditions.patterns import PatternRefused, write_pattern
from segments.conditions.registry import Registry
from segments.conditions.sampling import Share
from segments.conditions.tree import Value

__all__ = ["read_value"]

MAX_TEXT: Final = 1_000
MAX_NUMBER: Final = 10**18


def read_value(raw: Any, field: Field, operator: Operator, registry: Registry, path: str) -> Value:
    """The value that ``raw`` means to ``operator`` of ``field``; raises ``InvalidValue`` with the path."""
    reader = _READERS[field.type] if operator.reads is Reads.FIELD else _READERS_OF_OPERATORS[operator.reads]
    return reader(raw, field, registry, path)


def _read_text(raw: Any, path: str) -> str:
    text = _check_text(raw, path).strip()
    if not text:
        raise InvalidValue("The text is empty. To ask for that, use “is empty”.", path=path)
    return text


def _check_text(raw: Any, path: str) -> str:
    if not isinstance(raw, str):
        raise InvalidValue("Write a text.", path=path)
    if len(raw) > MAX_TEXT:
        raise InvalidValue(f"The text has at most {MAX_TEXT} characters.", path=path)
    if "\0" in raw or any("\ud800" <= char <= "\udfff" for char in raw):
        raise InvalidValue("The text holds a character that cannot be stored. Remove it.", path=path)
    return raw


def _read_pattern(raw: Any, field: Field, registry: Registry, path: str) -> str:
    """As it is written: a space at its end is part of it."""
    pattern = _check_text(raw, path)
    if not pattern:
        raise InvalidValue("The pattern is empty, which would match everything. Write one.", path=path)
    try:
        write_pattern(pattern)
    except PatternRefused as refused:
        raise InvalidValue(str(refused), path=path) from refused
    return pattern


def _read_duration(raw: Any, field: Field, registry: Registry, path: str) -> Duration:
    if not isinstance(raw, list) or len(raw) != 2:
        raise InvalidValue('Write a number and a unit, such as [30, "days"].', path=path)
    units = [unit for unit in Unit if unit == raw[1]]
    if not units:
        raise InvalidValue(f"The unit is one of: {', '.join(Unit)}.", path=f"{path}[1]")
    (unit,) = units
    if field.date_form.keeps_days and unit.is_within_a_day:
        raise InvalidValue("This field keeps days without a time. Write days or longer units.", path=f"{path}[1]")
    return Duration(_read_whole(raw[0], 1, LONGEST[unit], f"{path}[0]"), unit)


def _read_nearness(raw: Any, field: Field, registry: Registry, path: str) -> Nearness:
    return Nearness(_read_whole(raw, 0, MAX_NEARNESS, path))


def _read_day_of_month(raw: Any, field: Field, registry: Registry, path: str) -> int:
    return _read_whole(raw, 1, 31, path)


def _read_whole(raw: Any, low: int, high: int, path: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not low <= raw <= high:
        raise InvalidValue(f"Write a whole number from {low} to {high}.", path=path)
    return raw


def _read_plain(raw: Any, field: Field, registry: Registry, path: str) -> str:
    return _read_text(raw, path)


def _read_email(raw: Any, field: Field, registry: Registry, path: str) -> str:
    try:
        return clean_email(_read_text(raw, path))[1]
    except Unreadable as error:
        raise InvalidValue(error.message, path=path) from error


def _read_phone(raw: Any, field: Field, registry: Registry, path: str) -> str:
    number = parse_phone(_read_text(raw, path), registry.country)
    if number is None:
        raise InvalidValue("This is not a phone number. Write it like +380501234567.", path=path)
    return number


def _read_number(raw: Any, field: Field, registry: Registry, path: str) -> int | Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise InvalidValue("Write a number.", path=path)
    if abs(raw) > MAX_NUMBER:
        raise InvalidValue("The number has at most 18 digits.", path=path)
    return raw if isinstance(raw, int) else Decimal(repr(raw))


def _read_day(raw: Any, field: Field, registry: Registry, path: str) -> date:
    try:
        day = date.fromisoformat(_read_text(raw, path))
    except ValueError as error:
        raise InvalidValue("Write the day as YYYY-MM-DD.", path=path) from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidValue(f"The day lies between {FIRST_DAY} and {LAST_DAY}.", path=path)
    return day


def _read_option(raw: Any, field: Field, registry: Registry, path: str) -> str:
    option = field.option(raw)
    if option is None:
        known = ", ".join(option.key for option in field.options)
        raise InvalidValue(f"The value is one of: {known}.", path=path)
    return option.key


def _read_segment(raw: Any, field: Field, registry: Registry, path: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise InvalidValue("Write the number of a segment.", path=path)
    if raw not in registry.segments:
        raise UnknownSegment(path=path, segment_id=raw)
    return raw


def _read_import(raw: Any, field: Field, registry: Registry, path: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise InvalidValue("Write the number of an import.", path=path)
    if raw not in registry.imports:
        raise UnknownImport(path=path, import_id=raw)
    return raw


def _read_share(raw: Any, field: Field, registry: Registry, path: str) -> Share:
    if not isinstance(raw, list) or len(raw) != 2:
        raise InvalidValue('Write the percent and any word, such as [10, "autumn"].', path=path)
    percent = _read_number(raw[0], field, registry, f"{path}[0]")
    if not 0 < percent <= 100:
        raise InvalidValue("Write a percentage above 0 and up to 100.", path=f"{path}[0]")
    return Share(percent, _read_text(raw[1], f"{path}[1]"))


_READERS: Final[Mapping[FieldType, Callable[[Any, Field, Registry, str], Value]]] = {
    FieldType.TEXT: _read_plain,
    FieldType.EXTERNAL_ID: _read_plain,
    FieldType.EMAIL: _read_email,
    FieldType.PHONE: _read_phone,
    FieldType.NUMBER: _read_number,
    FieldType.DATE: _read_day,
    FieldType.CHOICE: _read_option,
    FieldType.CHOICES: _read_option,
    FieldType.SEGMENT: _read_segment,
    FieldType.IMPORT: _read_import,
    FieldType.RANDOM: _read_share,
    FieldType.AMOUNT: _read_number,
}

_READERS_OF_OPERATORS: Final[Mapping[Reads, Callable[[Any, Field, Registry, str], Value]]] = {
    Reads.TEXT: _read_plain,
    Reads.PATTERN: _read_pattern,
    Reads.DURATION: _read_duration,
    Reads.NEARNESS: _read_nearness,
    Reads.DAY_OF_MONTH: _read_day_of_month,
}
