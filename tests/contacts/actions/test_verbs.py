"""What each action does to each kind of contact, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from contacts import identity
from contacts.actions import Delete, Edit, FieldGone, Join, Leave, Restore, SegmentGone, Unsubscribe
from contacts.models import ActionRow, Change, ChannelState, Contact, ContactState, Suppression
from contacts.populations import current
from tests.contacts.actions.conftest import ask
from tests.people import Stage, have, merged

ALL = ("olena", "bohdan", "ivan", "mariia")


def refusals(stage: Stage, action: Any) -> dict[str | None, str]:
    return {stage.name_of(row.contact_id): row.code for row in ActionRow.objects.filter(action=action)}


def test_contacts_are_deleted_once_and_the_journal_names_the_action(do: Any, stage: Stage) -> None:
    action = do(Delete(), *ALL)

    assert action.counts == {"changed": 3, "unchanged": 1, "refused": 0}
    assert (action.status, action.done, action.total) == ("finished", 4, 4)
    assert not Contact.objects.filter(state=ContactState.ACTIVE).exists()
    assert Change.objects.filter(kind="deleted", by=f"action:{action.pk}").count() == 3


def test_deleted_contacts_come_back_and_the_others_stay(do: Any, stage: Stage) -> None:
    action = do(Restore(), *ALL)

    assert action.counts == {"changed": 1, "unchanged": 3, "refused": 0}
    assert Contact.objects.get(pk=stage.ids["mariia"]).state == ContactState.ACTIVE


def test_a_field_is_written_and_the_deleted_are_refused_with_the_reason(do: Any, stage: Stage) -> None:
    action = do(Edit("town", "Lviv"), *ALL)

    assert action.counts == {"changed": 2, "unchanged": 1, "refused": 1}
    assert refusals(stage, action) == {"mariia": "contact_deleted"}
    assert set(Contact.objects.filter(town="Lviv").values_list("external_id", flat=True)) == {"A-1", "A-2", "A-3"}
    assert Contact.objects.get(pk=stage.ids["mariia"]).state == ContactState.DELETED


def test_only_empty_fields_are_filled_where_that_is_asked(do: Any, stage: Stage) -> None:
    action = do(Edit("town", "Kyiv", only_blank=True), "olena", "bohdan")

    assert action.counts == {"changed": 1, "unchanged": 1, "refused": 0}
    assert Contact.objects.get(pk=stage.ids["olena"]).town == "Lviv"


def test_a_field_is_emptied(do: Any, stage: Stage) -> None:
    action = do(Edit("town", ""), "olena", "bohdan")

    assert action.counts == {"changed": 1, "unchanged": 1, "refused": 0}
    assert Contact.objects.get(pk=stage.ids["olena"]).town is None


def test_a_custom_field_takes_its_type(do: Any, stage: Stage) -> None:
    do(Edit("fields.visits", "12"), "olena")

    assert Contact.objects.get(pk=stage.ids["olena"]).attributes == {"visits": 12}


@pytest.mark.parametrize(
    ("column", "value", "path"),
    [
        ("fields.gone", "x", "column"),
        ("email", "x@example.com", "column"),
        ("external_id", "X-1", "column"),
        ("fields.visits", "many", "value"),
        ("first_name", "O" * 41, "value"),
    ],
)
def test_what_cannot_be_written_is_refused_before_it_begins(stage: Stage, column: str, value: str, path: str) -> None:
    with pytest.raises(FieldGone) as refused:
        ask(stage, Edit(column, value), "olena")

    assert refused.value.path == path


def test_an_email_is_unsubscribed_for_everybody_who_has_it(do: Any, stage: Stage) -> None:
    have("daryna", {"external_id": "A-5", "email": "family@example.com", "first_name": "Daryna"})(stage)

    action = do(Unsubscribe("email", "fair"), "olena", "bohdan", "ivan")

    assert action.counts == {"changed": 2, "unchanged": 0, "refused": 1}
    assert refusals(stage, action) == {"ivan": "no_address"}
    states = dict(Contact.objects.values_list("pk", "email_state"))
    assert [states[stage.ids[name]] for name in ("olena", "bohdan", "daryna")] == [ChannelState.UNSUBSCRIBED] * 3
    assert {row.by for row in Suppression.objects.all()} == {f"action:{action.pk}"}


def test_who_is_unsubscribed_already_stays_as_it_is(do: Any, stage: Stage) -> None:
    identity.suppress_addresses(["olena@example.com"], ChannelState.BLACKLISTED, by="user:1")

    action = do(Unsubscribe("email"), "olena")

    assert action.counts == {"changed": 0, "unchanged": 1, "refused": 0}
    assert Contact.objects.get(pk=stage.ids["olena"]).email_state == ChannelState.BLACKLISTED


def test_contacts_join_a_segment_and_the_deleted_do_not(do: Any, stage: Stage, guests: int) -> None:
    current().add(guests, [stage.ids["ivan"]], by="user:1")

    action = do(Join(guests), *ALL)

    assert action.counts == {"changed": 2, "unchanged": 1, "refused": 1}
    assert refusals(stage, action) == {"mariia": "contact_deleted"}
    assert current().members(guests).count() == 3


def test_contacts_leave_a_segment(do: Any, stage: Stage, guests: int) -> None:
    current().add(guests, [stage.ids["ivan"]], by="user:1")

    action = do(Leave(guests), *ALL)

    assert action.counts == {"changed": 1, "unchanged": 3, "refused": 0}
    assert not current().members(guests).exists()


def test_a_segment_that_is_none_is_refused(stage: Stage) -> None:
    with pytest.raises(SegmentGone):
        ask(stage, Join(4711), "olena")


def test_who_was_merged_meanwhile_is_left_alone_with_its_survivor(do: Any, stage: Stage) -> None:
    merged("olena", "bohdan")(stage)

    action = do(Delete(), "bohdan")

    assert action.counts == {"changed": 0, "unchanged": 0, "refused": 0}
    assert Contact.objects.get(pk=stage.ids["olena"]).state == ContactState.ACTIVE


def test_who_is_merged_between_two_batches_is_refused_and_the_survivor_is_not_touched(stage: Stage) -> None:
    from contacts.actions.gathering import gather
    from contacts.actions.run import carry_out

    action = ask(stage, Delete(), "bohdan")
    gather(action)
    merged("olena", "bohdan")(stage)

    carry_out(action)

    assert refusals(stage, action) == {"bohdan": "contact_gone"}
    assert Contact.objects.get(pk=stage.ids["olena"]).state == ContactState.ACTIVE
