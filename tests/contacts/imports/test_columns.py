"""Headers → columns."""

import pytest

from contacts.columns import CUSTOM_PREFIX, SYSTEM_COLUMNS, Column
from contacts.imports.columns import lay_out
from contacts.imports.errors import (
    ColumnNotWritable,
    ColumnTwice,
    ImportRefused,
    KeyColumnMissing,
    UnknownColumn,
    UnknownKey,
    UnnamedColumn,
)

COLUMNS = (
    *SYSTEM_COLUMNS,
    Column(CUSTOM_PREFIX + "size", "text", "Shirt size", aliases=("size",)),
    Column(CUSTOM_PREFIX + "card", "text", "Card number", may_be_key=True, aliases=("card",)),
)


def test_headers_are_known_by_key_label_and_alias() -> None:
    headers = ["Customer ID", "E-Mail", "Mobile phone", "surname", "Shirt size", "fields.card", "Web Push", "cookie"]
    assert lay_out(headers, COLUMNS, key="external_id").targets == (
        "external_id", "email", "phone", "last_name", "fields.size", "fields.card", "web_push", "cookie",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "key", "error", "said"),
    [
        (["email", "shoe"], "email", UnknownColumn, "“shoe”"),
        (["email", "fields.shoe"], "email", UnknownColumn, "Known columns: external_id, email"),
        (["email", " ", "town", ""], "email", UnnamedColumn, "column 2, 4"),
        (["email", "E-mail"], "email", ColumnTwice, "“email” and “E-mail”"),
        (["town", "City", "email"], "email", ColumnTwice, "“town” and “City”"),
        (["email", "town"], "external_id", KeyColumnMissing, "“external_id”"),
        (["external_id", "town"], "email_or_phone", KeyColumnMissing, "“phone” or “email”"),
        (["email", "town"], "card", KeyColumnMissing, "“card”"),
        (["email", "size"], "size", UnknownKey, "contact_key, card"),
        (["email"], "shoe", UnknownKey, "“shoe”"),
        (["id", "email"], "email", ColumnNotWritable, "the key “id”"),
        (["email", "Created"], "email", ColumnNotWritable, "“Created”"),
    ],
)
def test_a_header_that_cannot_be_used_says_why(
    headers: list[str], key: str, error: type[ImportRefused], said: str
) -> None:
    with pytest.raises(error) as caught:
        lay_out(headers, COLUMNS, key=key)
    assert said in caught.value.message


@pytest.mark.parametrize("key", ["card", "fields.card"])
def test_a_field_that_can_be_a_key_is_one_by_its_own_name(key: str) -> None:
    assert lay_out(["card", "town"], COLUMNS, key=key).targets == ("fields.card", "town")


def test_one_of_email_and_phone_is_enough_for_the_key_of_both() -> None:
    assert lay_out(["SMS"], COLUMNS, key="email_or_phone").targets == ("phone",)


def test_identifiers_of_a_kind_become_a_list() -> None:
    layout = lay_out(["email", "Device", "cookie"], COLUMNS, key="email")
    assert layout.raw_maker()(["olena@example.com", "iPhone-1", ""]) == {
        "email": "olena@example.com",
        "identifiers": [{"kind": "device", "value": "iPhone-1"}, {"kind": "cookie", "value": ""}],
    }


def test_a_problem_is_told_by_the_header_that_the_file_has() -> None:
    layout = lay_out(["E-mail", "Device", "Shirt size", "cookie"], COLUMNS, key="email")
    told = [layout.header_of(name) for name in ("email", "identifiers[1].value", "fields.size", "size", "external_id")]
    assert told == ["E-mail", "cookie", "Shirt size", "Shirt size", "external_id"]
