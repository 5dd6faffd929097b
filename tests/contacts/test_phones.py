"""Phone numbers: what is read how, and that the fast path says what libphonenumber says."""

from __future__ import annotations

from functools import cache
from typing import Any

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberFormat, PhoneNumberType

from contacts.phones import parse_phone

READ = [
    ("+380501112233", "UA", "+380501112233"),
    ("+38 (050) 111-22-33", "UA", "+380501112233"),
    ("+38 050 111 22 33", "UA", "+380501112233"),
    ("380501112233", "UA", "+380501112233"),
    ("380501112233", "GB", "+380501112233"),
    ("0501112233", "UA", "+380501112233"),
    ("(050) 111-22-33", "UA", "+380501112233"),
    ("050.111.22.33", "UA", "+380501112233"),
    ("501112233", "UA", "+380501112233"),
    ("00380501112233", "UA", "+380501112233"),
    ("020 7946 0018", "GB", "+442079460018"),
    ("+44 (0)20 7946 0018", "UA", "+442079460018"),
    ("+442079460018", "UA", "+442079460018"),
    ("650-253-0000", "US", "+16502530000"),
    ("16502530000", "US", "+16502530000"),
    ("16502530000", "UA", "+16502530000"),
    ("+39 06 6982 1234", "UA", "+390669821234"),  # the zero belongs to Italian numbers
    ("+8613912345678", "UA", "+8613912345678"),
    ("+80012345678", "UA", "+80012345678"),  # international freephone has no region
    ("٠٥٠١١١٢٢٣٣", "UA", "+380501112233"),
    ("＋380501112233", "UA", "+380501112233"),
    ("050-CALL-NOW", "UA", "+380502255669"),
]

NO_NUMBER = [
    "",
    "+",
    "12345",
    "0",
    "050111223",
    "+380",
    "+38050111223",
    "+3805011122334",
    "+999501112233",
    "olena@example.com",
    "+380501112233 ext. 5",
    "1" * 41,
    "+" + "3" * 39,
]


@pytest.mark.parametrize(("text", "country", "number"), READ)
def test_numbers_are_read(text: str, country: str, number: str) -> None:
    assert parse_phone(text, country) == number


@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_phone(text, "UA") is None


# The fast path against the library


def by_library(text: str, country: str) -> str | None:
    """The rule without any short cut: as it is written, then, if digits alone, with a plus before it."""
    if len(text) > 40:
        return None
    tries = [text] if not text.isdecimal() else [text, "+" + text]
    return next((found for each in tries if (found := e164(each, country))), None)


def e164(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)


@cache
def examples() -> list[Any]:
    """A number of every region and type, and of every code without a region."""
    types = PhoneNumberType.values()
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in types
    ]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code) for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    return sorted((number for number in found if number is not None), key=str)


def writings_of(number: Any) -> list[str]:
    written = [phonenumbers.format_number(number, form) for form in FORMATS]
    return [*written, written[0].removeprefix("+"), phonenumbers.national_significant_number(number)]


def test_every_region_and_type_is_read_as_the_library_reads_it() -> None:
    differing = [
        (text, country)
        for number in examples()
        for text in writings_of(number)
        for country in (phonenumbers.region_code_for_number(number) or "UA", "UA", "IT")
        if parse_phone(text, country) != by_library(text, country)
    ]
    assert differing == []


COUNTRIES = st.sampled_from(["UA", "US", "GB", "IT", "AR", "MX", "KZ", "RU", "BR", "DE", "SM", "XX"])
DIGITS = st.text("0123456789", min_size=1, max_size=12)
CODES = st.sampled_from(sorted(COUNTRY_CODE_TO_REGION_CODE))


@st.composite
def nearly_numbers(draw: st.DrawFn) -> str:
    """A real number with a few characters replaced, put in or left out."""
    text = draw(st.sampled_from(draw(st.sampled_from(examples()).map(writings_of))))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text = (
            text[:place] + draw(st.sampled_from([*"0123456789 -().+/", ""])) + text[place + draw(st.integers(0, 1)) :]
        )
    return text


@settings(max_examples=400, deadline=None)
@given(CODES, DIGITS, COUNTRIES)
def test_any_digits_after_any_code_are_read_as_the_library_reads_them(code: int, digits: str, country: str) -> None:
    for text in (f"+{code}{digits}", f"{code}{digits}", digits):
        assert parse_phone(text, country) == by_library(text, country)


@settings(max_examples=600, deadline=None)
@given(nearly_numbers(), COUNTRIES)
@example("+1 (0)6502530000", "US")
@example("+38(050)1112233", "UA")
@example("+38 -050 111 22 33", "UA")
@example("+39 066982 1234", "IT")
@example("+54 9 11 2345 6789", "AR")
@example("+7 8 727 250 0000", "KZ")
def test_any_writing_is_read_as_the_library_reads_it(text: str, country: str) -> None:
    assert parse_phone(text, country) == by_library(text, country)


@settings(max_examples=200, deadline=None)
@given(st.text("+0123456789 -()./;=extA٣３", max_size=24), COUNTRIES)
def test_any_text_is_read_as_the_library_reads_it(text: str, country: str) -> None:
    assert parse_phone(text, country) == by_library(text, country)


@settings(max_examples=200, deadline=None)
@given(nearly_numbers(), COUNTRIES)
def test_what_was_read_is_read_again_as_itself(text: str, country: str) -> None:
    number = parse_phone(text, country)
    if number is not None:
        assert parse_phone(number, "UA") == number
