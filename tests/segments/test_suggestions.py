"""Values to choose from, taken from the data."""

from __future__ import annotations

import pytest
from django.db import connection

from contacts.models import Contact, EventType
from segments.suggestions import SAMPLE, suggest_values
from tests.segments.deeds import make_deeds
from tests.segments.people import NOW

pytestmark = pytest.mark.django_db


def make_contacts(*towns: str) -> None:
    Contact.objects.bulk_create(Contact(town=town, created_at=NOW, updated_at=NOW) for town in towns)


def test_values_that_begin_with_the_text_come_first_then_the_frequent_ones(people: dict[str, Contact]) -> None:
    make_contacts("Nova Lvivka", "Nova Lvivka", "Lvivske", "Odesa")

    assert suggest_values("town", "lviv") == ["Lviv", "Lvivske", "lviv", "Nova Lvivka"]
    assert suggest_values("town", "lviv", limit=1) == ["Lviv"]
    assert suggest_values("town", "їв") == ["Київ"]


def test_without_a_text_the_frequent_ones_are_shown(people: dict[str, Contact]) -> None:
    make_contacts("Odesa", "Odesa")

    assert suggest_values("town", "")[0] == "Odesa"


def test_custom_fields_suggest_their_texts(people: dict[str, Contact]) -> None:
    assert suggest_values("fields.nickname", "50") == ["50 off", "50%_off\\"]


def test_deleted_contacts_suggest_nothing(people: dict[str, Contact]) -> None:
    people["deleted"].town = "Atlantis"
    people["deleted"].save()

    assert suggest_values("town", "Atlantis") == []


@pytest.mark.parametrize("text", ["%", "_", "'", "\\", "'; DROP TABLE contacts_contact; --", "{}", "%s", "@contact"])
def test_signs_mean_themselves(people: dict[str, Contact], text: str) -> None:
    make_contacts(f"x{text}y")

    assert suggest_values("town", text) == [f"x{text}y"]


@pytest.mark.parametrize(
    "field", ["email", "phone", "external_id", "shoe", "fields.visits", "random", "", "events.x", "a.b"]
)
def test_a_field_that_suggests_nothing_gives_nothing(people: dict[str, Contact], field: str) -> None:
    assert suggest_values(field, "") == []


@pytest.mark.parametrize("text", ["\0", "a\nb", "x" * 500])
def test_a_text_that_no_value_can_have_finds_nothing(people: dict[str, Contact], text: str) -> None:
    assert suggest_values("town", text) == []


def test_event_types_and_fields_of_rows_are_suggested(people: dict[str, Contact]) -> None:
    make_deeds(people)

    assert suggest_values("events", "u") == ["buy"]
    assert "in_last" in suggest_values("events.params.tag", "in_la")
    assert suggest_values("orders.currency", "u") != []
    assert suggest_values("orders.total_cost", "") == []


def test_an_event_type_that_is_not_for_segments_is_not_suggested(people: dict[str, Contact]) -> None:
    make_deeds(people)
    EventType.objects.filter(key="buy").update(is_for_segments=False)

    assert suggest_values("events", "u") == []


def test_of_many_contacts_a_sample_is_read_and_the_rest_only_when_it_lacks_the_value(
    people: dict[str, Contact],
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (town, attributes, state, identifier_kinds, made_deliberately, order_count,"
            " source, created_at, updated_at) SELECT CASE WHEN n %% 100 = 0 THEN 'Rare ' || n ELSE 'Often' END, '{}',"
            " 1, 0, false, 0, 'api', now(), now() FROM generate_series(1, %s) n",
            [3 * SAMPLE],
        )
        cursor.execute("ANALYZE contacts_contact")

    frequent, *others = suggest_values("town", "", 3 * SAMPLE, milliseconds=60_000)
    missed = {f"Rare {number}" for number in range(100, 3 * SAMPLE + 1, 100)} - set(others)
    assert frequent == "Often"
    assert 0 < len(missed) < 3 * SAMPLE // 100
    assert max(missed) in suggest_values("town", max(missed), milliseconds=60_000)
    assert suggest_values("town", "rar", milliseconds=1) == []
