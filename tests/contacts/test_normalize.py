"""Normalisation: a table for every rule, and the fast path for emails against the library."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.keys import Kind
from contacts.normalize import InvalidValue, Schema, clean_email, compare_form, normalize
from contacts.records import Problem

CUSTOM = (
    Column("fields.loyalty", "text", "Loyalty card", may_be_key=True),
    Column("fields.badge", "number", "Badge", may_be_key=True),
    Column("fields.since", "date", "Since", may_be_key=True),
    Column("fields.member", "boolean", "Member", may_be_key=True),
    Column("fields.notes", "long_text", "Notes"),
    Column("fields.nickname", "text", "Nickname"),
    Column("fields.visits", "number", "Visits"),
    Column("fields.score", "decimal", "Score"),
    Column("fields.newsletter", "boolean", "Newsletter"),
    Column("fields.birthday", "date", "Birthday"),
    Column("fields.renewed", "datetime", "Renewed"),
    Column("fields.tier", "choice", "Tier", options=("Gold", "Silver")),
    Column("fields.tags", "choices", "Tags", options=("a", "b", "c")),
)
SCHEMA = Schema((*SYSTEM_COLUMNS, *CUSTOM), junk_values=["walk-in"], junk_patterns=["^x+$"])


def problems_of(raw: dict[str, Any], schema: Schema = SCHEMA) -> list[tuple[str, str]]:
    return [(problem.column, problem.code) for problem in normalize(raw, schema).problems]


def warnings_of(raw: dict[str, Any]) -> list[tuple[str, str]]:
    return [(warning.column, warning.code) for warning in normalize(raw, SCHEMA).warnings]


# External IDs


@pytest.mark.parametrize(
    ("value", "external_id"),
    [
        ("C-1", "C-1"),
        ("  C-1\t", "C-1"),
        ("c-1", "c-1"),
        (42, "42"),
        (42.0, "42"),
        (10**30, "1" + "0" * 30),
        ("007", "007"),
        ("Олена", "Олена"),
        ("C" * 100, "C" * 100),
        ("É" * 100, "É" * 100),
    ],
)
def test_an_external_id_is_a_trimmed_text_whose_case_is_kept(value: Any, external_id: str) -> None:
    record = normalize({"external_id": value}, SCHEMA)
    assert record.external_id == external_id
    assert record.problems == ()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("C" * 101, "external_id_too_long"),
        (10**100, "external_id_too_long"),
        ("C\x00", "invalid_character"),
        ("C\ud800", "invalid_character"),
        (True, "not_text"),
        (["C-1"], "not_text"),
        ({"id": 1}, "not_text"),
    ],
)
def test_what_is_no_external_id_is_an_error_and_never_cut(value: Any, code: str) -> None:
    assert problems_of({"external_id": value}) == [("external_id", code)]


def test_the_longest_external_id_is_the_policys() -> None:
    assert problems_of({"external_id": "C" * 51}, Schema(external_id_max_length=50)) == [
        ("external_id", "external_id_too_long")
    ]


# Emails


@pytest.mark.parametrize(
    ("value", "compared"),
    [
        ("olena@example.com", "olena@example.com"),
        ("  Olena.Koval+shop@Example.COM ", "olena.koval+shop@example.com"),
        ("olena@пошта.укр", "olena@xn--80a1acn3a.xn--j1amh"),
        ("OLENA@ПОШТА.УКР", "olena@xn--80a1acn3a.xn--j1amh"),
        ("olena@xn--80a1acn3a.xn--j1amh", "olena@xn--80a1acn3a.xn--j1amh"),
        ("Олена@example.com", "олена@example.com"),
        ("o'neil!#$%&*/=?^`{|}~-@example.com", "o'neil!#$%&*/=?^`{|}~-@example.com"),
        ("a@b.co", "a@b.co"),
        ("olena@sub.sub.example.museum", "olena@sub.sub.example.museum"),
        ("olena@123.com", "olena@123.com"),
    ],
)
def test_an_email_is_shown_as_written_and_compared_lower_cased(value: str, compared: str) -> None:
    record = normalize({"email": value}, SCHEMA)
    assert record.email == value.strip()
    assert record.identifiers == ((Kind.EMAIL, "", compared),)


@pytest.mark.parametrize(
    "value",
    [
        "olena",
        "olena@",
        "@example.com",
        "olena@example",
        "olena@@example.com",
        "olena@-example.com",
        "olena@example-.com",
        "olena@example..com",
        ".olena@example.com",
        "olena.@example.com",
        "olena..koval@example.com",
        "olena koval@example.com",
        "Olena <olena@example.com>",
        '"olena koval"@example.com',
        "olena@[127.0.0.1]",
        "olena@localhost",
        "olena@shop.local",
        "olena@shop.test",
        "olena@shop.invalid",
        "olena@" + "e" * 64 + ".com",
        "olena@" + "e." * 125 + "com",
        "olena@exa_mple.com",
        "olena@example.com\x00",
        "olena\ud800@example.com",
        "olena@example.com, bohdan@example.com",
    ],
)
def test_what_is_no_email_is_an_error_of_that_field(value: str) -> None:
    assert problems_of({"email": value}) == [("email", "invalid_email")]


def test_a_number_is_no_email() -> None:
    assert problems_of({"email": 42}) == [("email", "invalid_email")]
    assert problems_of({"email": True}) == [("email", "invalid_email")]
    assert problems_of({"email": {"address": "olena@example.com"}}) == [("email", "invalid_email")]


def by_library(value: str) -> str | None:
    try:
        checked = validate_email(value, check_deliverability=False)
    except (EmailNotValidError, UnicodeError):
        return None
    return f"{checked.local_part}@{checked.ascii_domain}".lower()


def by_us(value: str) -> str | None:
    try:
        shown, compared = clean_email(value)
    except InvalidValue:
        return None
    assert shown == value
    return compared


LOCAL_PARTS = st.text("abcXYZ019_+-.", min_size=1, max_size=70)
LABELS = st.text("abcXYZ019-", min_size=1, max_size=66)
ENDINGS = st.sampled_from(
    ["com", "UA", "co.uk", "test", "local", "xn--j1amh", "c", "c0m", "arpa", "latest", "onion", ""]
)


@st.composite
def nearly_emails(draw: st.DrawFn) -> str:
    labels = draw(st.lists(LABELS, max_size=4))
    return f"{draw(LOCAL_PARTS)}@{'.'.join([*labels, draw(ENDINGS)])}"


@settings(max_examples=800, deadline=None)
@given(nearly_emails())
@example("a--b@example.com")
@example("olena@ab--cd.com")
@example("olena@xn--80a1acn3a.com")
@example("-olena@example.com")
@example("olena@1.2.3.com")
@example("olena@example.com\n")
@example("o" * 64 + "@" + "e" * 63 + ".com")
def test_an_email_is_read_as_the_library_reads_it(value: str) -> None:
    assert by_us(value) == by_library(value)


@settings(max_examples=400, deadline=None)
@given(st.text("aZ0._+-@ éİK\u200b\n", min_size=3, max_size=20).map(lambda text: text.replace(" ", "a@b.co", 1)))
def test_any_text_is_an_email_to_us_if_it_is_to_the_library(value: str) -> None:
    assert by_us(value) == by_library(value)


# No value, junk


@pytest.mark.parametrize("value", ["", " ", "\t\n", "\u00a0", None])
@pytest.mark.parametrize("column", ["external_id", "email", "phone", "contact_key", "first_name", "fields.badge"])
def test_white_space_is_no_value_and_says_that_the_field_is_empty(column: str, value: Any) -> None:
    record = normalize({column: value}, SCHEMA)
    assert record.cleared == (column,)
    assert (record.identifiers, record.problems, record.warnings) == ((), (), ())


JUNK = [
    *("null", "undefined", "none", "nan", "n/a", "0", "-1", "anonymous", "guest", "unknown", "test", "true", "false"),
    *("[object Object]", "NULL", "None", "NaN", "N/A", "True", "Guest"),
    *("00", "000000000000", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"),
    *("walk-in", "WALK-IN", "x", "xxxx"),
]


@pytest.mark.parametrize("value", JUNK)
def test_junk_is_refused_as_an_identifier_and_the_rest_goes_on(value: str) -> None:
    device = {"kind": "device", "value": value}
    raw = {"external_id": value, "email": value, "phone": value, "contact_key": f" {value} ", "identifiers": [device]}
    record = normalize({**raw, "first_name": "Olena"}, SCHEMA)
    assert record.identifiers == ()
    assert record.fields == {"first_name": "Olena"}
    assert record.problems == ()
    assert record.cleared == ()
    assert {warning.column: warning.code for warning in record.warnings} == dict.fromkeys(
        ["external_id", "email", "phone", "contact_key", "identifiers[0].value"], "junk_value"
    )


@pytest.mark.parametrize("value", ["test-1", "guests", "1", "-2", "0a", "10", "nul", "x1", "none of these", "-"])
def test_what_only_looks_like_junk_identifies(value: str) -> None:
    assert normalize({"external_id": value}, SCHEMA).external_id == value


def test_junk_in_a_field_is_data() -> None:
    record = normalize({"first_name": "Test", "fields.nickname": "null"}, SCHEMA)
    assert (record.fields, record.attributes) == ({"first_name": "Test"}, {"nickname": "null"})
    assert record.warnings == ()


# Keys


def test_identifiers_stand_in_look_up_order() -> None:
    kinds = ["cookie", "telegram", "web_push", "mobile_push", "app_instance", "device"]
    tokens = [{"kind": kind, "value": "t"} for kind in kinds]
    raw = {"identifiers": tokens, "contact_key": "K", "phone": "+380501112233", "email": "a@b.co", "external_id": "C"}
    assert [Kind(key[0]).slug for key in normalize(raw, SCHEMA).identifiers] == [
        *("external_id", "email", "phone", "custom"),
        *reversed(kinds),
    ]


@pytest.mark.parametrize(
    ("column", "value", "key"),
    [
        ("contact_key", " K-1 ", (Kind.CUSTOM, "contact_key", "K-1")),
        ("contact_key", 17, (Kind.CUSTOM, "contact_key", "17")),
        ("fields.loyalty", "A-17", (Kind.CUSTOM, "loyalty", "A-17")),
        ("fields.badge", "007", (Kind.CUSTOM, "badge", "7")),
        ("fields.badge", 7, (Kind.CUSTOM, "badge", "7")),
        ("fields.since", "2024-02-29", (Kind.CUSTOM, "since", "2024-02-29")),
        ("fields.member", "yes", None),  # true is junk
    ],
)
def test_a_custom_key_is_compared_in_the_form_of_its_type(column: str, value: Any, key: Any) -> None:
    assert normalize({column: value}, SCHEMA).identifiers == ((key,) if key else ())


def test_a_custom_key_has_at_most_100_characters() -> None:
    assert problems_of({"fields.loyalty": "A" * 101}) == [("fields.loyalty", "too_long")]
    assert problems_of({"contact_key": "A" * 101}) == [("contact_key", "too_long")]
    assert problems_of({"fields.loyalty": "A" * 100}) == []


def test_the_same_value_of_another_app_is_another_key() -> None:
    tokens = [{"kind": "mobile_push", "app": app, "value": "t"} for app in ("shop", " bank ")]
    assert normalize({"identifiers": tokens}, SCHEMA).identifiers == (
        (Kind.MOBILE_PUSH, "bank", "t"),
        (Kind.MOBILE_PUSH, "shop", "t"),
    )


@pytest.mark.parametrize("app", [None, "", "  "])
def test_no_app_is_an_empty_text(app: Any) -> None:
    token = {"kind": "device", "app": app, "value": "d-1"}
    assert normalize({"identifiers": token}, SCHEMA).identifiers == ((Kind.DEVICE, "", "d-1"),)


@pytest.mark.parametrize(
    ("value", "is_hashed"),
    [
        ("a" * 512, False),
        ("a" * 513, True),
        ("é" * 256, False),
        ("é" * 257, True),
        ("😀" * 128, False),
        ("😀" * 129, True),
    ],
)
def test_values_over_512_bytes_are_compared_by_their_hash_and_kept(value: str, is_hashed: bool) -> None:
    record = normalize({"identifiers": [{"kind": "web_push", "value": value, "details": {"os": "iOS"}}]}, SCHEMA)
    [key] = record.identifiers
    assert key[2].startswith("sha256:") is is_hashed
    assert len(key[2].encode()) <= 512
    assert record.details == {key: {"os": "iOS", "value": value} if is_hashed else {"os": "iOS"}}


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_values_have_one_compare_form_only_if_they_are_the_same(one: str, other: str) -> None:
    one, other = one.encode("utf-8", "replace").decode() * 200, other.encode("utf-8", "replace").decode() * 200
    assert (compare_form(Kind.DEVICE, "", one) == compare_form(Kind.DEVICE, "", other)) is (one == other)


# Two values of a type (T14)


@pytest.mark.parametrize(
    ("emails", "first", "warnings"),
    [
        (["a@b.co"], "a@b.co", []),
        (["a@b.co", "c@d.co"], "a@b.co", [("email", "second_value_ignored")]),
        (["a@b.co", "A@B.CO"], "a@b.co", []),
        (["a@пошта.укр", "a@xn--80a1acn3a.xn--j1amh"], "a@пошта.укр", []),
        (["", "c@d.co", None], "c@d.co", []),
        (["null", "c@d.co"], "c@d.co", [("email", "junk_value")]),
    ],
)
def test_of_two_emails_the_first_counts(emails: list[Any], first: str, warnings: list[Any]) -> None:
    record = normalize({"email": emails}, SCHEMA)
    assert record.email == first
    assert [(warning.column, warning.code) for warning in record.warnings] == warnings
    assert len(record.identifiers) == 1


def test_of_two_phones_the_first_counts() -> None:
    record = normalize({"phone": ["+380501112233", "050 111 22 33", ""]}, SCHEMA)
    assert (record.phone, record.warnings) == ("+380501112233", ())
    assert warnings_of({"phone": ["+380501112233", "+380672223344"]}) == [("phone", "second_value_ignored")]


@pytest.mark.parametrize("column", ["email", "phone"])
def test_three_values_of_a_type_are_an_error(column: str) -> None:
    values = {"email": ["a@b.co", "c@d.co", "e@f.co"], "phone": ["+380501112233", "+380672223344", "+380933334455"]}
    assert problems_of({column: values[column]}) == [(column, "too_many_values")]


def test_two_tokens_attach_and_three_are_an_error() -> None:
    tokens = [{"kind": "device", "value": f"d-{number}"} for number in range(3)]
    assert len(normalize({"identifiers": tokens[:2]}, SCHEMA).identifiers) == 2
    assert problems_of({"identifiers": tokens}) == [("identifiers[2]", "too_many_values")]


def test_kinds_are_counted_each_for_itself() -> None:
    tokens = [{"kind": kind, "value": f"t-{number}"} for kind in ("device", "cookie") for number in range(2)]
    assert len(normalize({"identifiers": tokens}, SCHEMA).identifiers) == 4


@pytest.mark.parametrize(
    ("token", "path"),
    [
        ({"kind": "email", "value": "a@b.co"}, "identifiers[0].kind"),
        ({"kind": "order", "value": "1"}, "identifiers[0].kind"),
        ({"value": "1"}, "identifiers[0].kind"),
        ("device", "identifiers[0].kind"),
        ({"kind": "device", "value": ["1"]}, "identifiers[0].value"),
        ({"kind": "device", "value": "1\x00"}, "identifiers[0].value"),
        ({"kind": "device", "value": "1", "app": "a" * 101}, "identifiers[0].value"),
    ],
)
def test_what_is_no_token_is_an_error_with_its_path(token: Any, path: str) -> None:
    assert [column for column, _ in problems_of({"identifiers": [token]})] == [path]


# Fields


@pytest.mark.parametrize(
    ("column", "value", "cleaned"),
    [
        ("first_name", " Olena ", "Olena"),
        ("first_name", 42, "42"),
        ("time_zone", "Europe/Kyiv", "Europe/Kyiv"),
        ("fields.notes", "a\r\nb", "a\r\nb"),
        ("fields.visits", " 12 ", 12),
        ("fields.visits", 12.0, 12),
        ("fields.visits", -3, -3),
        ("fields.score", "12.50", 12.5),
        ("fields.score", "12,5", 12.5),
        ("fields.score", 3, 3.0),
        ("fields.newsletter", "Yes", True),
        ("fields.newsletter", False, False),
        ("fields.newsletter", 0, False),
        ("fields.birthday", "1990-05-01", "1990-05-01"),
        ("fields.birthday", "1990-05-01T10:00:00", "1990-05-01"),
        ("fields.renewed", "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000000Z"),
        ("fields.renewed", "2026-01-02 03:04", "2026-01-02T03:04:00.000000Z"),
        ("fields.tier", "gold", "Gold"),
        ("fields.tags", "a; b;a", ["a", "b"]),
        ("fields.tags", ["b", "a"], ["b", "a"]),
    ],
)
def test_a_field_is_kept_in_the_form_of_its_type(column: str, value: Any, cleaned: Any) -> None:
    record = normalize({column: value}, SCHEMA)
    assert record.problems == ()
    assert {**record.fields, **{f"fields.{key}": kept for key, kept in record.attributes.items()}} == {column: cleaned}


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("first_name", "O" * 41, "too_long"),
        ("first_name", "O\x00", "invalid_character"),
        ("first_name", "O\ud800", "invalid_character"),
        ("first_name", ["Olena"], "not_text"),
        ("time_zone", "Kyiv", "unknown_time_zone"),
        ("fields.nickname", "n" * 1_001, "too_long"),
        ("fields.notes", "n" * 65_537, "too_long"),
        ("fields.visits", "1.5", "invalid_number"),
        ("fields.visits", "9" * 39, "number_too_large"),
        ("fields.score", "NaN", "invalid_decimal"),
        ("fields.score", "1e400", "number_too_large"),
        ("fields.newsletter", "perhaps", "invalid_boolean"),
        ("fields.birthday", "01.05.1990", "invalid_date"),
        ("fields.renewed", "soon", "invalid_datetime"),
        ("fields.tier", "Bronze", "unknown_option"),
        ("fields.tags", "a;z", "unknown_option"),
        ("fields.height", "180", "unknown_field"),
        ("state", "1", "unknown_field"),
        ("height", "180", "unknown_field"),
        ("id", "x", "invalid_id"),
        ("id", -1, "invalid_id"),
        ("id", 2**63, "invalid_id"),
        ("id", True, "invalid_id"),
        ("id", "1.0", "invalid_id"),
        ("id", float("inf"), "invalid_id"),
        ("fields.visits", float("inf"), "invalid_number"),
        ("fields.score", float("nan"), "invalid_decimal"),
    ],
)
def test_what_a_field_cannot_hold_is_an_error_of_that_field(column: str, value: Any, code: str) -> None:
    assert problems_of({column: value}) == [(column, code)]


def test_every_problem_is_said_at_once() -> None:
    raw = {"external_id": "C" * 101, "email": "olena", "phone": "1", "first_name": "O" * 41}
    assert problems_of(raw) == [
        ("external_id", "external_id_too_long"),
        ("email", "invalid_email"),
        ("phone", "invalid_phone"),
        ("first_name", "too_long"),
    ]


@pytest.mark.parametrize(("value", "contact_id"), [(7, 7), (" 7 ", 7), ("", None), (None, None)])
def test_an_id_names_one_contact(value: Any, contact_id: int | None) -> None:
    assert normalize({"id": value}, SCHEMA).contact_id == contact_id


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["kind", "value", "app", "x"]), inner),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from([*SCHEMA.columns, "identifiers", "x"]), ANYTHING, max_size=6))
def test_whatever_comes_is_a_record_with_problems_and_never_an_exception(raw: dict[str, Any]) -> None:
    record = normalize(raw, SCHEMA)
    assert all(isinstance(problem, Problem) and problem.message.endswith(".") for problem in record.problems)
    for _, app, value in record.identifiers:
        assert 0 < len(value.encode()) <= 512
        assert len(app) <= 100
        assert "\x00" not in app + value


def test_a_schema_travels_between_processes() -> None:
    twin = pickle.loads(pickle.dumps(SCHEMA))  # noqa: S301
    raw = {"external_id": "walk-in", "email": "a@b.co", "fields.badge": "7"}
    assert normalize(raw, twin).identifiers == normalize(raw, SCHEMA).identifiers
