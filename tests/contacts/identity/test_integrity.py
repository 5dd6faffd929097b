"""What no foreign key proves, this check does: each kind of damage is found and named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import delete_contacts, erase_contacts, merge_contacts, resolve_one
from contacts.identity.integrity import CHECKS, find_problems
from contacts.identity.settings import forget_settings
from contacts.identity.types import API
from contacts.models import Contact, ContactState, Event

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TWICE = """
INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)
SELECT kind, app, value, contact_id, '', now(), now() FROM contacts_identifier WHERE kind = 2 LIMIT 1
"""


@pytest.fixture
def olena(db: None) -> int:
    """Someone with everything, beside a visitor, and one each who was merged, deleted and erased."""
    forget_settings()
    olena, merged, deleted, erased = (
        resolve_one(record, API, by="key:1").contact_id
        for record in (
            {
                "external_id": "C-1",
                "email": "Olena@Straße.example.com",
                "phone": "+380501112233",
                "contact_key": "card-1",
            },
            {"external_id": "C-2", "email": "olena@work.example.com"},
            {"external_id": "C-3"},
            {"external_id": "C-4"},
        )
    )
    record_orders([NewOrder("N-1", {"id": olena}, "DELIVERED", 10, "UAH", NOW)], by="key:1")
    record_orders([NewOrder("😀" * 200, {"id": merged}, "DELIVERED", 10, "UAH", NOW)], by="key:1")
    page = NewEvent("pageView", {"identifiers": [{"kind": "cookie", "value": "c1"}]})
    record_events([page], by="tracker:web", plan=WEB_EVENT)
    merge_contacts(olena, merged, by="user:1")
    delete_contacts([deleted], by="user:1")
    erase_contacts([erased], by="user:1")
    assert olena is not None
    return olena


def damage(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def found() -> set[str]:
    return {problem.check for problem in find_problems()}


def check(**options):
    said = StringIO()
    try:
        call_command("check_integrity", stdout=said, no_color=True, **options)
    except SystemExit as ended:
        return ended.code, said.getvalue()
    return 0, said.getvalue()


def test_what_the_verbs_write_agrees(olena):
    assert find_problems() == []
    assert check() == (0, "Everything agrees.\n")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "DELETE FROM contacts_identifier WHERE kind = 2 AND contact_id = {id} AND value LIKE 'olena@%%xn--%%'",
            "primary_without_identifier",
        ),
        (
            "UPDATE contacts_identifier SET value = 'Olena@x.example.com' WHERE kind = 2 AND value LIKE '%%xn--%%'",
            "primary_without_identifier",
        ),
        ("UPDATE contacts_contact SET phone = '+380509999999' WHERE id = {id}", "primary_without_identifier"),
        ("DELETE FROM contacts_identifier WHERE kind = 4", "primary_without_identifier"),
        ("UPDATE contacts_contact SET external_id = NULL WHERE id = {id}", "identifier_without_primary"),
        ("UPDATE contacts_contact SET identifier_kinds = 0 WHERE id = {id}", "wrong_kinds"),
        ("UPDATE contacts_contact SET identifier_kinds = identifier_kinds | (1 << 12) WHERE id = {id}", "wrong_kinds"),
        ("UPDATE contacts_identifier SET contact_id = 999999 WHERE kind = 3", "identifier_of_nobody"),
        (
            "UPDATE contacts_identifier SET contact_id = {merged} WHERE kind = 3",
            "identifier_of_gone",
        ),
        (
            "UPDATE contacts_identifier SET contact_id = {erased} WHERE kind = 3",
            "identifier_of_gone",
        ),
        (TWICE, "identifier_twice"),
        ("UPDATE contacts_contact SET merged_into_id = 999999 WHERE state = 3", "broken_merge"),
        ("UPDATE contacts_contact SET merged_into_id = id WHERE state = 3", "broken_merge"),
        ("UPDATE contacts_contact SET state = 3, merged_into_id = {id} + 1 WHERE id = {id}", "broken_merge"),
        ("UPDATE contacts_contact SET order_count = 7 WHERE id = {id}", "order_count"),
        ("UPDATE contacts_ordertotal SET amount = amount + 1 WHERE contact_id = {id}", "order_totals"),
        ("DELETE FROM contacts_ordertotal WHERE contact_id = {id}", "order_totals"),
        ("UPDATE contacts_ordertotal SET currency = 'EUR' WHERE contact_id = {id}", "order_totals"),
        ("DELETE FROM contacts_identifier WHERE kind = 12 AND value = 'N-1'", "order_without_number"),
        ("DELETE FROM contacts_order WHERE external_order_id = 'N-1'", "number_without_order"),
        (
            "UPDATE contacts_event SET contact_id = {merged} WHERE contact_id = {id}",
            "activity_of_gone",
        ),
        ("UPDATE contacts_event SET contact_id = 999999 WHERE contact_id = {id}", "activity_of_nobody"),
        ("UPDATE contacts_order SET contact_id = 999999 WHERE contact_id = {id}", "activity_of_nobody"),
    ],
)
def test_damage_is_found(olena, sql, expected):
    merged, erased = (Contact.objects.get(state=state).pk for state in (ContactState.MERGED, ContactState.ERASED))

    damage(sql.format(id=olena, merged=merged, erased=erased))

    assert expected in found()


def test_two_contacts_of_one_unique_identifier_are_found(olena):
    damage("DROP INDEX identifier_unique")
    damage(
        "INSERT INTO contacts_identifier (kind, app, value, contact_id, source, first_seen_at, last_seen_at)"
        " SELECT kind, app, value, %s, '', now(), now() FROM contacts_identifier WHERE kind = 1 AND value = 'C-3'",
        olena,
    )

    assert "identifier_twice" in found()


def test_the_command_lists_what_is_off_and_exits_with_1(olena):
    Contact.objects.filter(pk=olena).update(order_count=5)
    Event.objects.filter(contact_id=olena).update(contact_id=999_999)

    code, said = check()

    assert code == 1
    assert "The count of orders on a contact differs from its orders. (1 times, order_count)" in said
    assert f"contact {olena}: 5 counted, 2 there" in said
    assert "contact 999999: " in said


def test_the_command_can_say_it_as_json(olena):
    Contact.objects.filter(pk=olena).update(order_count=5)

    code, said = check(json=True)

    assert code == 1
    assert json.loads(said) == {
        "ok": False,
        "problems": [
            {
                "check": "order_count",
                "message": CHECKS["order_count"],
                "count": 1,
                "examples": [{"contactId": olena, "detail": "5 counted, 2 there"}],
            }
        ],
    }


def test_examples_are_limited_and_counts_are_not(olena):
    for number in range(5):
        resolve_one({"external_id": f"X-{number}"}, API, by="key:1")
    Contact.objects.update(order_count=9)

    _, said = check(limit=2)

    assert "(7 times, order_count)" in said
    assert said.count("9 counted") == 2
    assert "… and 5 more." in said
