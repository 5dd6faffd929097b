"""Normalisation, before anything is compared (pure).

One raw record, a mapping of column keys to whatever a door received, becomes one ``Record`` whose identifiers stand in
the form they are compared in. Nothing is cut and nothing is guessed silently: a value that cannot be read is a
``Problem`` of its column, and junk is refused as an identifier with a warning while the rest of the record goes on.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from typing import Any, Final
from zoneinfo import available_timezones

import re2
from email_validator import EmailNotValidError, validate_email

from contacts.columns import CUSTOM_PREFIX, SYSTEM_COLUMNS, Column
from contacts.keys import CHANGEABLE_KINDS, Kind
from contacts.phones import parse_phone
from contacts.records import Key, Problem, Record

__all__ = ["JUNK", "InvalidValue", "Schema", "clean_email", "clean_external_id", "normalize"]

JUNK: Final = frozenset(
    {"null", "undefined", "none", "nan", "n/a", "0", "-1", "true", "false", "[object object]"}
    | {"anonymous", "guest", "unknown", "test"}
)
"""Values that identify nobody, lower-cased; all zeros and all-zero UUIDs are refused too."""

MAX_VALUE_BYTES: Final = 512
MAX_TEXT: Final = 1_000
MAX_LONG_TEXT: Final = 65_536
MAX_CUSTOM_KEY: Final = 100
MAX_OF_A_TYPE: Final = 2
KIND_OF_SLUG: Final = {kind.slug: int(kind) for kind in CHANGEABLE_KINDS | {Kind.ADVERTISING}}
EXTERNAL_ID, EMAIL, PHONE, CUSTOM = int(Kind.EXTERNAL_ID), int(Kind.EMAIL), int(Kind.PHONE), int(Kind.CUSTOM)
"""Keys hold plain numbers: they are compared and hashed a dozen times a record."""
NO_VALUE: Final = ("", None)

Cleaner = Callable[[Any], Any]


class InvalidValue(ValueError):
    """A value that cannot be read; ``code`` for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Schema:
    """What normalisation needs to know of the account: its columns, policy, country and junk.

    ``junk_patterns`` are RE2 patterns, searched in the trimmed value. It travels between processes by its arguments.
    """

    def __init__(
        self,
        columns: Iterable[Column] = SYSTEM_COLUMNS,
        *,
        external_id_max_length: int = 100,
        country: str = "UA",
        junk_values: Iterable[str] = (),
        junk_patterns: Iterable[str] = (),
    ) -> None:
        self.columns = {column.key: column for column in columns}
        self.external_id_max_length = external_id_max_length
        self.country = country
        self.junk = JUNK | {value.strip().lower() for value in junk_values}
        self.junk_patterns = tuple(junk_patterns)
        self.patterns = [re2.compile(pattern) for pattern in self.junk_patterns]
        writable = [column for column in self.columns.values() if column.write]
        self.cleaners: dict[str, Cleaner] = {column.key: _cleaner_of(column) for column in writable}
        self.plain: dict[str, _Plain] = {
            column.key: (self.cleaners[column.key], column.is_custom, column.custom_key)
            for column in writable
            if column.key not in _READERS and not column.may_be_key
        }

    def __reduce__(self) -> tuple[Any, ...]:
        keywords: dict[str, Any] = {
            "external_id_max_length": self.external_id_max_length,
            "country": self.country,
            "junk_values": tuple(self.junk),
            "junk_patterns": self.junk_patterns,
        }
        return partial(Schema, tuple(self.columns.values()), **keywords), ()

    def is_junk(self, value: str) -> bool:
        """Whether a trimmed value identifies nobody."""
        if value.lower() in self.junk or (value[0] in "0-" and "0" in value and not value.strip("0-")):
            return True
        if not self.patterns or not is_encodable(value):  # what cannot be searched is refused by its reader
            return False
        return any(pattern.search(value) for pattern in self.patterns)


_Plain = tuple[Cleaner, bool, str]
"""How a column is read that is data and nothing else: its cleaner, whether it is a custom one, and its key."""


def normalize(raw: Mapping[str, Any], schema: Schema, ref: Any = None) -> Record:
    """The record that ``raw`` means.

    ``raw`` maps column keys to values (``email`` and ``phone`` may be lists, T14); ``id`` names one contact;
    ``identifiers`` is a list of ``{"kind", "app", "value", "details"}`` for the changeable kinds.
    """
    draft = _Draft(schema, ref)
    plain = schema.plain
    for column, value in raw.items():
        if column in plain:
            cleaner, is_custom, key = plain[column]
            try:
                cleaned = cleaner(value)
            except InvalidValue as error:
                draft.refuse(column, error.code, error.message)
                continue
            if cleaned is None:
                draft.cleared.append(column)
            elif is_custom:
                draft.record.attributes[key] = cleaned
            else:
                draft.record.fields[key] = cleaned
        elif column in _READERS:
            _READERS[column](draft, value)
        else:
            draft.read_key_field(column, value)
    return draft.finish()


class _Draft:
    """A record while it is being read."""

    __slots__ = ("cleared", "identifiers", "problems", "record", "schema", "warnings")

    def __init__(self, schema: Schema, ref: Any) -> None:
        self.schema = schema
        self.record = Record(ref)
        self.identifiers: list[Key] = []
        self.cleared: list[str] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def finish(self) -> Record:
        record = self.record
        self.identifiers.sort()  # kinds are numbered in look-up order
        record.identifiers = tuple(self.identifiers)
        record.cleared = tuple(self.cleared)
        if self.problems:
            record.problems = tuple(self.problems)
        if self.warnings:
            record.warnings = tuple(self.warnings)
        return record

    def read_id(self, value: Any) -> None:
        text = value.strip() if isinstance(value, str) else value
        if text in NO_VALUE:
            return
        try:
            number = int(text)
        except (TypeError, ValueError, OverflowError):
            number = 0
        if isinstance(text, bool | float) or not 0 < number < 2**63:
            self.refuse("id", "invalid_id", "A contact ID is a whole number above zero.")
        else:
            self.record.contact_id = number

    def read_external_id(self, value: Any) -> None:
        try:
            text = clean_external_id(value, self.schema.external_id_max_length)
        except InvalidValue as error:
            self.refuse("external_id", error.code, error.message)
            return
        if text is None:
            self.cleared.append("external_id")
        elif self.may_identify("external_id", text):
            self.record.external_id = text
            self.add_key(EXTERNAL_ID, "", text, text)

    def read_email(self, value: Any) -> None:
        for text in self.values_of_type("email", value):
            try:
                shown, compared = clean_email(text)
            except InvalidValue as error:
                self.refuse("email", error.code, error.message)
                return
            if self.record.email is None:
                self.record.email = shown
                self.add_key(EMAIL, "", compared, shown)
            elif (EMAIL, "", compared) not in self.identifiers:
                self.warn("email", "second_value_ignored", "Only the first email of a record is used.")

    def read_phone(self, value: Any) -> None:
        for text in self.values_of_type("phone", value):
            number = parse_phone(text, self.schema.country)
            if number is None:
                message = "This is not a phone number; write it with its country code, such as +380501234567."
                self.refuse("phone", "invalid_phone", message)
                return
            if self.record.phone is None:
                self.record.phone = number
                self.identifiers.append((PHONE, "", number))
            elif self.record.phone != number:
                self.warn("phone", "second_value_ignored", "Only the first phone of a record is used.")

    def values_of_type(self, column: str, value: Any) -> Sequence[str]:
        """The usable texts among one or more given values of a type; three are an error (T14)."""
        if value.__class__ is str and (text := value.strip()):  # by far the most
            return (text,) if self.may_identify(column, text) else ()
        texts = []
        for item in value if isinstance(value, list | tuple) else (value,):
            text = item.strip() if isinstance(item, str) else item
            if text in NO_VALUE:
                continue
            if isinstance(text, bool | float | dict | list):
                self.refuse(column, f"invalid_{column}", "Write this value as text.")
                continue
            text = str(text)
            if self.may_identify(column, text):
                texts.append(text)
            elif not isinstance(value, list | tuple):
                return []
        if len(texts) > MAX_OF_A_TYPE:
            self.refuse(column, "too_many_values", "A record has at most two values of a type.")
            return []
        if not texts and not self.problems and not isinstance(value, list | tuple):
            self.cleared.append(column)
        return texts

    def read_identifiers(self, value: Any) -> None:
        counts: dict[int, int] = {}
        for position, item in enumerate(value if isinstance(value, list | tuple) else (value,)):
            path = f"identifiers[{position}]"
            kind = KIND_OF_SLUG.get(str(item.get("kind"))) if isinstance(item, Mapping) else None
            if kind is None:
                kinds = ", ".join(sorted(KIND_OF_SLUG))
                self.refuse(f"{path}.kind", "unknown_kind", f"The kind is one of: {kinds}.")
                continue
            if self.read_identifier(path, kind, item):
                counts[kind] = counts.get(kind, 0) + 1
                if counts[kind] > MAX_OF_A_TYPE:
                    self.refuse(path, "too_many_values", "A record has at most two values of a type.")

    def read_identifier(self, path: str, kind: int, item: Mapping[str, Any]) -> bool:
        try:
            text = _clean_text(item.get("value"), None)
            app = _clean_text(item.get("app"), 100) or ""
        except InvalidValue as error:
            self.refuse(f"{path}.value", error.code, error.message)
            return False
        if text is None or not self.may_identify(f"{path}.value", text):
            return False
        details = item.get("details")
        key = self.add_key(kind, app, text, text)
        if isinstance(details, Mapping) and details:
            self.note_details(key, dict(details))
        return True

    def read_key_field(self, column: str, value: Any) -> None:
        """A field whose values identify, or one that there is not."""
        cleaner = self.schema.cleaners.get(column)
        if cleaner is None:
            self.refuse(column, "unknown_field", "There is no such field that can be written; check its name.")
            return
        try:
            cleaned = cleaner(value)
        except InvalidValue as error:
            self.refuse(column, error.code, error.message)
            return
        if cleaned is None:
            self.cleared.append(column)
        elif column.startswith(CUSTOM_PREFIX):
            key = column[len(CUSTOM_PREFIX) :]
            self.record.attributes[key] = cleaned
            self.add_custom_key(column, key, cleaned)
        elif self.add_custom_key(column, column, cleaned):
            self.record.fields[column] = cleaned

    def add_custom_key(self, column: str, app: str, cleaned: Any) -> bool:
        """A custom key's value becomes an identifier, if it is no junk; the field keeps its data either way."""
        text = custom_key_value(cleaned)
        if len(text) > MAX_CUSTOM_KEY:
            self.refuse(column, "too_long", f"A key has at most {MAX_CUSTOM_KEY} characters.")
            return False
        if not self.may_identify(column, text):
            return False
        self.add_key(CUSTOM, app, text, text)
        return True

    def add_key(self, kind: int, app: str, compared: str, shown: str) -> Key:
        key = compare_form(kind, app, compared)
        if key not in self.identifiers:
            self.identifiers.append(key)
        if key[2] != compared:
            self.note_details(key, {"value": shown})
        return key

    def note_details(self, key: Key, details: dict[str, Any]) -> None:
        if self.record.details is None:
            self.record.details = {}
        self.record.details.setdefault(key, {}).update(details)

    def may_identify(self, column: str, text: str) -> bool:
        if self.schema.is_junk(text):
            self.warn(column, "junk_value", "This value is a placeholder that identifies nobody; it was ignored.")
            return False
        return True

    def refuse(self, column: str, code: str, message: str) -> None:
        self.problems.append(Problem(column, code, message))

    def warn(self, column: str, code: str, message: str) -> None:
        self.warnings.append(Problem(column, code, message))


_READERS: Final[dict[str, Callable[[_Draft, Any], None]]] = {
    "id": _Draft.read_id,
    "external_id": _Draft.read_external_id,
    "email": _Draft.read_email,
    "phone": _Draft.read_phone,
    "identifiers": _Draft.read_identifiers,
}


def compare_form(kind: int, app: str, value: str) -> Key:
    """The key a value is compared by; over 512 bytes it is its SHA-256."""
    if len(value) * 4 > MAX_VALUE_BYTES and len(data := value.encode()) > MAX_VALUE_BYTES:
        value = "sha256:" + hashlib.sha256(data).hexdigest()
    return (kind, app, value)


def custom_key_value(cleaned: Any) -> str:
    """The compare form of a custom key's cleaned value."""
    if isinstance(cleaned, bool):
        return "true" if cleaned else "false"
    return str(cleaned)


def clean_external_id(value: Any, max_length: int) -> str | None:
    """An external ID: trimmed, case kept, integers become text, longer than the policy allows is an error."""
    text = _clean_text(value, None)
    if text is not None and len(text) > max_length:
        raise InvalidValue("external_id_too_long", f"An external ID has at most {max_length} characters.")
    return text


_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)+([a-z]{2,63})", re.ASCII
)
"""Addresses that need no library: ``tests/contacts/test_normalize.py`` proves that it agrees on all of them."""
_SPECIAL_ENDINGS: Final = frozenset({"arpa", "local", "localhost", "invalid", "test", "onion", "alt", "internal"})
_MAX_PLAIN_EMAIL: Final = 64
"""No part of such an address can be too long."""


def clean_email(value: str) -> tuple[str, str]:
    """(as shown, as compared): syntax checked without DNS, domain IDNA-encoded, compared wholly lower-cased."""
    if len(value) <= _MAX_PLAIN_EMAIL and value.isascii():
        lowered = value.lower()
        plain = _PLAIN_EMAIL.fullmatch(lowered)
        if plain is not None and plain[1] not in _SPECIAL_ENDINGS:
            return value, lowered
    try:
        checked = validate_email(value, check_deliverability=False)
    except (EmailNotValidError, UnicodeError) as error:
        message = "This is not an email address; write it as name@example.com."
        raise InvalidValue("invalid_email", message) from error
    compared = f"{checked.local_part}@{checked.ascii_domain}".lower()
    return value, compared


def _clean_text(value: Any, max_length: int | None) -> str | None:
    """A trimmed text, None where there is no value; integers become text."""
    text = value.strip() if value.__class__ is str else _as_text(value)
    if not text:
        return None
    if "\0" in text:
        raise InvalidValue("invalid_character", "The value holds a NUL character; remove it.")
    if max_length is not None and len(text) > max_length:
        raise InvalidValue("too_long", f"The value has at most {max_length} characters, this one {len(text)}.")
    if not text.isascii():
        _check_encodable(text)
    return text


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return None
    if isinstance(value, bool | Mapping | list | tuple):
        raise InvalidValue("not_text", "Write this value as text.")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _check_encodable(text: str) -> None:
    if not is_encodable(text):
        raise InvalidValue("invalid_character", "The value holds half a character; check its encoding.")


def is_encodable(text: str) -> bool:
    """Whether the text can be stored, and searched by patterns: half a character of a pair cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text_cleaner(max_length: int) -> Cleaner:
    def clean(value: Any) -> str | None:
        if value.__class__ is str:
            text: str = value.strip()
            if text.isprintable() and len(text) <= max_length:  # neither NUL nor half a character
                return text or None
        return _clean_text(value, max_length)

    return clean


def _clean_number(value: Any) -> int | None:
    text = _clean_text(value, 40)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError as error:
        raise InvalidValue("invalid_number", "Write a whole number, such as 42.") from error
    if abs(number) > 2**53:
        raise InvalidValue("number_too_large", "The number has at most 15 digits.")
    return number


def _clean_decimal(value: Any) -> float | int | None:
    text = _clean_text(value, 40)
    if text is None:
        return None
    try:
        number = Decimal(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except InvalidOperation as error:
        raise InvalidValue("invalid_decimal", "Write a number, such as 12.50.") from error
    if not number.is_finite():
        raise InvalidValue("invalid_decimal", "Write a number, such as 12.50.")
    if len(number.as_tuple().digits) > 15 or not math.isfinite(float(number)):
        raise InvalidValue("number_too_large", "The number has at most 15 digits.")
    return float(number)


_YES: Final = frozenset({"true", "yes", "y", "1", "on", "t"})
_NO: Final = frozenset({"false", "no", "n", "0", "off", "f"})


def _clean_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = _clean_text(value, 10)
    if text is None:
        return None
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise InvalidValue("invalid_boolean", "Write yes or no.")


def _clean_date(value: Any) -> str | None:
    text = _clean_text(value, 40)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10] if "T" in text else text).isoformat()
    except ValueError as error:
        raise InvalidValue("invalid_date", "Write the date as YYYY-MM-DD.") from error


def _clean_datetime(value: Any) -> str | None:
    text = _clean_text(value, 40)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    except (ValueError, OverflowError) as error:
        message = "Write the time as YYYY-MM-DDTHH:MM:SS, with a time zone if it is not UTC."
        raise InvalidValue("invalid_datetime", message) from error


def _choice_cleaner(options: tuple[str, ...]) -> Cleaner:
    known = {option.casefold(): option for option in options}

    def clean(value: Any) -> str | None:
        text = _clean_text(value, MAX_TEXT)
        if text is None:
            return None
        if text.casefold() not in known:
            raise InvalidValue("unknown_option", f"The value is one of: {', '.join(options)}.")
        return known[text.casefold()]

    return clean


def _choices_cleaner(options: tuple[str, ...]) -> Cleaner:
    clean_one = _choice_cleaner(options)

    def clean(value: Any) -> list[str] | None:
        written = () if isinstance(value, list | tuple) else re.split(r"[;,|]", _clean_text(value, MAX_LONG_TEXT) or "")
        given = written or value
        cleaned = [clean_one(item) for item in given]
        return list(dict.fromkeys(item for item in cleaned if item)) or None

    return clean


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _clean_time_zone(value: Any) -> str | None:
    text = _clean_text(value, 64)
    if text is not None and text not in _time_zones():
        raise InvalidValue("unknown_time_zone", "Write the time zone by its name, such as Europe/Kyiv.")
    return text


def _cleaner_of(column: Column) -> Cleaner:
    if column.key == "time_zone":
        return _clean_time_zone
    match column.type:
        case "number":
            return _clean_number
        case "decimal":
            return _clean_decimal
        case "boolean":
            return _clean_boolean
        case "date":
            return _clean_date
        case "datetime":
            return _clean_datetime
        case "choice":
            return _choice_cleaner(column.options)
        case "choices":
            return _choices_cleaner(column.options)
        case "long_text":
            return _text_cleaner(MAX_LONG_TEXT)
        case _:
            return _text_cleaner(column.max_length or MAX_TEXT)
