"""Phone numbers in E.164, by libphonenumber's data (pure).

The library takes some 40 µs a number. Numbers written internationally, by far the most, are recognised by patterns made
from the same data; what these do not accept goes to the library. ``tests/contacts/test_phones.py`` proves that
whatever the patterns accept, the library reads in the same way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberFormat

__all__ = ["parse_phone"]

_INTERNATIONAL: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_DIGITS: Final = re.compile(r"[1-9][0-9]{6,14}", re.ASCII)
_PUNCTUATION: Final = str.maketrans("", "", " -()")
_PUNCTUATED: Final = re.compile(r"\+[1-9](?:[ -]?\(?[0-9]++\)?)+", re.ASCII)  # one way to match: no backtracking
_MAX_LENGTH: Final = 40


class _Region(NamedTuple):
    leading_digits: re.Pattern[str] | None
    valid: re.Pattern[str]


class _Country(NamedTuple):
    national_prefix: re.Pattern[str] | None
    regions: tuple[_Region, ...]


def parse_phone(text: str, country: str) -> str | None:
    """The number in E.164, or None if it is not a valid one.

    ``country`` (two letters) is what national numbers are read by; digits alone are read as a national number first,
    then as an international one without its plus.
    """
    if len(text) > _MAX_LENGTH:
        return None
    if text[:1] == "+":
        if _is_plainly_valid(text):
            return text
        if _PUNCTUATED.fullmatch(text):
            text = text.translate(_PUNCTUATION)
        return text if _is_plainly_valid(text) else _by_library(text, country)
    if _DIGITS.fullmatch(text) and _needs_plus(text, country) and _is_plainly_valid("+" + text):
        return "+" + text
    return _by_library(text, country) or (_by_library("+" + text, country) if text.isdecimal() else None)


def _by_library(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _is_plainly_valid(text: str) -> bool:
    if not _INTERNATIONAL.fullmatch(text):
        return False
    code = _code_at(text[1:4])
    return code is not None and _is_valid_national(text[1 + code.digits :], code.country)


class _Code(NamedTuple):
    digits: int
    country: _Country


@lru_cache(maxsize=1_000)
def _code_at(digits: str) -> _Code | None:
    """The country's code that three digits begin with: no code is the beginning of another."""
    for length in (1, 2, 3):
        if (code := int(digits[:length])) in COUNTRY_CODE_TO_REGION_CODE:
            return _Code(length, _country(code))
    return None


def _is_valid_national(national: str, country: _Country) -> bool:
    """Whether the library would keep these digits as they are and call them valid."""
    if national[:1] == "0" or (country.national_prefix and country.national_prefix.match(national)):
        return False
    for region in country.regions:
        if region.leading_digits is None:
            if region.valid.fullmatch(national):
                return True
        elif region.leading_digits.match(national):
            return region.valid.fullmatch(national) is not None
    return False


def _needs_plus(digits: str, country: str) -> bool:
    """Whether the library reads these digits as an international number of ``country`` that lacks its plus."""
    own = _own_numbers(country)
    return own is not None and digits.startswith(own[0]) and not own[1].fullmatch(digits)


@lru_cache(maxsize=300)
def _own_numbers(country: str) -> tuple[str, re.Pattern[str]] | None:
    metadata = PhoneMetadata.metadata_for_region(country, None)
    if metadata is None or metadata.country_code is None:
        return None
    return str(metadata.country_code), re.compile(_general_pattern(metadata))


@lru_cache(maxsize=300)
def _country(code: int) -> _Country:
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    found = [PhoneMetadata.metadata_for_region_or_calling_code(code, region) for region in regions]
    known = [metadata for metadata in found if metadata is not None]
    prefix = known[0].national_prefix_for_parsing if known else None
    return _Country(
        re.compile(prefix) if prefix else None,
        tuple(_region(metadata, alone=len(known) == 1) for metadata in known),
    )


def _general_pattern(metadata: PhoneMetadata) -> str:
    return (metadata.general_desc and metadata.general_desc.national_number_pattern) or ""


_TYPES: Final = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number"),
    *("pager", "uan", "voicemail", "fixed_line", "mobile"),
)


def _region(metadata: PhoneMetadata, *, alone: bool) -> _Region:
    descriptions = [getattr(metadata, name) for name in _TYPES]
    patterns = [
        description.national_number_pattern
        for description in descriptions
        if description is not None and description.national_number_pattern
    ]
    general = _general_pattern(metadata)
    valid = re.compile(f"(?=(?:{general})$)(?:{'|'.join(f'(?:{pattern})' for pattern in patterns) or '(?!)'})$")
    leading = metadata.leading_digits if not alone else None
    return _Region(re.compile(leading) if leading else None, valid)
