"""A stored value becomes one of another type, or says why it cannot."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.columns import Column
from contacts.fields.conversion import converter_to, replacer_of
from contacts.normalize import InvalidValue, Schema

KYIV = ZoneInfo("Europe/Kyiv")
OPTIONS = ("Gold", "Silver")
LATE_EVENING = "2024-05-01T22:30:00.000000Z"


def convert(value: Any, wanted: str) -> Any:
    return converter_to(Column("fields.x", wanted, "X", options=OPTIONS), zone=KYIV)(value)


@pytest.mark.parametrize(
    ("value", "wanted", "becomes"),
    [
        ("042", "number", 42),
        (42, "text", "42"),
        (12.5, "text", "12.5"),
        (12.0, "number", 12),
        (7, "decimal", 7.0),
        ("1,5", "decimal", 1.5),
        ("yes", "boolean", True),
        (True, "text", "true"),
        (False, "number", 0),
        (True, "boolean", True),
        (1, "boolean", True),
        ("1990-05-17", "date", "1990-05-17"),
        (LATE_EVENING, "date", "2024-05-02"),
        ("2024-05-02", "datetime", "2024-05-01T21:00:00.000000Z"),
        ("gold", "choice", "Gold"),
        ("Gold", "choices", ["Gold"]),
        ("gold; Silver", "choices", ["Gold", "Silver"]),
        (["Gold"], "choice", "Gold"),
        (["Gold", "Silver"], "text", "Gold, Silver"),
        ("two\nlines", "long_text", "two\nlines"),
    ],
)
def test_what_can_be_read_as_the_new_type_is(value, wanted, becomes):
    converted = convert(value, wanted)

    assert (converted, type(converted)) == (becomes, type(becomes))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("forty", "number"),
        (12.5, "number"),
        ("17.05.1990", "date"),
        ("bronze", "choice"),
        (["Gold", "Silver"], "choice"),
        (["Gold", "Silver"], "number"),
        ("x" * 1_001, "text"),
        ("maybe", "boolean"),
        ("9" * 20, "number"),
        (" ", "text"),
        ([], "text"),
    ],
)
def test_what_cannot_be_read_says_why(value, wanted):
    with pytest.raises(InvalidValue) as refused:
        convert(value, wanted)

    assert refused.value.message.endswith(".")


TYPES = ("text", "long_text", "number", "decimal", "boolean", "date", "datetime", "choice", "choices")
VALUES = st.one_of(
    st.text(max_size=40),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")),
    st.sampled_from(OPTIONS),
    st.lists(st.sampled_from((*OPTIONS, "Bronze")), max_size=3),
)


@given(VALUES, st.sampled_from(TYPES))
def test_whatever_was_stored_is_converted_once_or_refused_and_stays_so(value, wanted):
    try:
        converted = convert(value, wanted)
    except InvalidValue:
        return

    assert convert(converted, wanted) == converted
    schema = Schema((Column("fields.x", wanted, "X", options=OPTIONS),))
    assert schema.cleaners["fields.x"](converted) == converted


def test_an_option_takes_the_place_of_another_and_none_stands_twice():
    replace = replacer_of({"Silver": "Gold", "Bronze": None})

    assert replace("Silver") == "Gold"
    assert replace("Bronze") is None
    assert replace(["Silver", "Gold", "Bronze", "Tin"]) == ["Gold", "Tin"]
    assert replace(["Bronze"]) is None
    assert replace(42) == 42
