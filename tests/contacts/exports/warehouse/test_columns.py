"""What leaves of a contact is what the registry says, under the names that other systems know."""

from __future__ import annotations

import pytest

from contacts.columns import SYSTEM_COLUMNS, all_columns, column_of_header
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.models import Contact, CustomField, FieldType
from tests.contacts.exports.warehouse.copies import make_copies
from tests.contacts.exports.warehouse.test_changes import come
from tests.people import OLENA


def test_every_column_of_a_contact_leaves_under_a_name_of_its_own() -> None:
    names = {column.key: column.name for column in DATA_SETS["contacts"].columns([])}
    assert {column.key for column in SYSTEM_COLUMNS} < set(names)
    assert all(names[column.key] == column.wire != "" for column in SYSTEM_COLUMNS)


@pytest.mark.parametrize("slug", DATA_SETS)
def test_no_two_columns_of_a_table_have_the_same_name_whatever_its_case(slug: str) -> None:
    names = [column.name.lower() for column in DATA_SETS[slug].columns([])]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("slug", DATA_SETS)
def test_the_key_and_the_owner_of_a_table_are_among_its_columns(slug: str) -> None:
    data_set = DATA_SETS[slug]
    assert {*data_set.key, data_set.owner} - {""} <= {column.key for column in data_set.columns([])}


def test_a_file_may_name_columns_as_the_warehouse_does() -> None:
    columns = all_columns([CustomField(key="shoe-size", label="Shoes", type="number")])
    found = [column_of_header(column.wire, columns) for column in columns]
    assert [column and column.key for column in found] == [column.key for column in columns]


@pytest.mark.django_db
def test_a_custom_field_leaves_as_what_it_is() -> None:
    values = {
        FieldType.TEXT: "50% off, 'tea'",
        FieldType.NUMBER: 42,
        FieldType.DECIMAL: 12.5,
        FieldType.BOOLEAN: True,
        FieldType.DATE: "2026-11-22",
        FieldType.DATETIME: "2026-11-22T10:00:00Z",
        FieldType.CHOICES: ["tea", "cups"],
    }
    for kind in values:
        CustomField.objects.create(key=f"a-{kind}", label=str(kind), type=kind, options=["tea", "cups"])
    come(email=OLENA, **{f"fields.a-{kind}": value for kind, value in values.items()})

    [row] = make_copies()["contacts"]

    assert {name.removeprefix("field_a__"): value for name, value in row.items() if name.startswith("field_")} == {
        "text": "50% off, 'tea'",
        "number": 42,
        "decimal": "12.5",
        "boolean": True,
        "date": "2026-11-22",
        "datetime": "2026-11-22T10:00:00.000000Z",
        "choices": '["tea", "cups"]',
    }


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [kind for kind in FieldType if kind not in ("text", "long_text", "choice", "choices")])
def test_a_value_that_is_still_to_be_converted_is_empty_and_stops_nothing(kind: FieldType) -> None:
    CustomField.objects.create(key="size", label="Size", type=kind)
    come(email=OLENA)
    Contact.objects.update(attributes={"size": "nearly 42"})
    [row] = make_copies()["contacts"]
    assert row["field_size"] is None
