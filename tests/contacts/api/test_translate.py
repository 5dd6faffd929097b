"""From the wire to the raw record and back, without a database."""

from contacts.api.translate import ADDRESS, COLUMNS, read_contact, read_update, show_app, show_value
from contacts.columns import SYSTEM_COLUMNS
from contacts.keys import Kind
from contacts.records import Problem


def keys(wanted):
    return {7: "tier", 8: "size"}


def test_every_column_that_may_be_written_has_a_place_on_the_wire():
    writable = {column.key for column in SYSTEM_COLUMNS if column.write}

    assert writable == {*COLUMNS.values(), *ADDRESS, "email", "phone"}


def test_a_problem_of_a_column_is_told_under_the_path_it_was_sent():
    wire = read_contact(
        {
            "firstName": "Olena",
            "channels": [{"type": "telegram", "value": ""}, {"type": "telegram", "value": "t"}],
            "identifiers": [{"kind": "device", "value": "d"}],
            "fields": [{"id": 7, "value": "gold"}, {"id": "8", "value": "L"}],
        },
        keys,
    )

    columns = ["first_name", "identifiers[0].value", "identifiers[1]", "fields.size", "fields.shoes", "somewhere"]
    assert [problem.column for problem in wire.located(Problem(column, "", "") for column in columns)] == [
        "firstName",
        "channels[1].value",
        "identifiers[0]",
        "fields[1].value",
        "fields.shoes",
        "somewhere",
    ]


def test_ids_of_fields_are_asked_for_only_when_fields_are_sent():
    asked = []

    read_contact({"externalCustomerId": "C-1"}, lambda wanted: asked.append(wanted) or {})
    read_contact({"fields": [{"id": "7"}, {"id": "x"}]}, lambda wanted: asked.append(wanted) or {})

    assert asked == [[7, 0]]


def test_the_same_token_under_two_channels_is_one_identifier():
    wire = read_contact(
        {
            "channels": [
                {"type": "mobilepush", "value": "t", "device": {"appId": "shop", "os": "iOS"}},
                {"type": "inapp", "value": "t", "device": {"appId": "shop", "locale": "uk"}},
            ]
        },
        keys,
    )

    details = {"os": "iOS", "locale": "uk"}
    assert wire.record == {"identifiers": [{"kind": "mobile_push", "app": "shop", "value": "t", "details": details}]}


def test_two_emails_are_a_list_and_one_is_not():
    one = {"type": "email", "value": "a@example.com"}

    assert read_contact({"channels": [one, one]}, keys).record == {"email": "a@example.com"}
    two = read_contact({"channels": [one, {"type": "email", "value": "b@example.com"}]}, keys)
    assert two.record == {"email": ["a@example.com", "b@example.com"]}


def test_a_contact_named_contact_is_unwrapped_only_where_it_is_an_object():
    assert read_update({"contact": {"firstName": "Olena"}}, keys).record == {"first_name": "Olena"}
    assert read_update({"contact": "x", "firstName": "Olena"}, keys).record == {"first_name": "Olena"}


def test_values_of_custom_fields_are_shown_as_texts():
    shown = [show_value(value) for value in (True, False, 3, 3.0, 3.25, ["a", "b"], "gold")]

    assert shown == ["true", "false", "3", "3", "3.25", "a,b", "gold"]


def test_a_site_is_shown_by_a_number_only_where_that_is_what_was_sent():
    apps = ["5", "007", "0", "-5", "9" * 10, "site", "٥", ""]

    assert [show_app(Kind.WEB_PUSH, app) for app in apps] == [5, "007", "0", "-5", "9" * 10, "site", "٥", None]
    assert show_app(Kind.MOBILE_PUSH, "5") == "5"
