"""An action is taken back as a whole; what somebody changed since stays, and is told."""

from __future__ import annotations

from typing import Any

import pytest

from contacts import actions, identity
from contacts.actions import Delete, Edit, Join, Leave, Restore, Unsubscribe, WrongMoment, run
from contacts.identity.integrity import check_integrity
from contacts.models import ActionRow, ActionStatus, ChannelState, Contact, ContactAction, ContactState, Suppression
from contacts.populations import current
from tests.contacts.actions.conftest import Stop, ask, dying_after
from tests.people import Stage, change, merged

ALL = ("olena", "bohdan", "ivan", "mariia")


def take_back(action: ContactAction) -> ContactAction:
    actions.undo(action, by="user:2")
    run.undo_all(action)
    assert action.status == ActionStatus.UNDONE
    assert not list(check_integrity())
    return action


def of(stage: Stage, name: str) -> Contact:
    return Contact.objects.get(pk=stage.ids[name])


def kept(stage: Stage, action: ContactAction) -> set[str | None]:
    return {stage.name_of(row.contact_id) for row in ActionRow.objects.filter(action=action, of_undo=True)}


def test_deleted_contacts_come_back_but_who_was_deleted_before_stays_so(do: Any, stage: Stage) -> None:
    action = take_back(do(Delete(), *ALL))

    assert action.undo_counts == {"changed": 3, "unchanged": 1, "refused": 0}
    assert {name for name in ALL if of(stage, name).state == ContactState.ACTIVE} == {"olena", "bohdan", "ivan"}


def test_restored_contacts_are_deleted_again(do: Any, stage: Stage) -> None:
    take_back(do(Restore(), *ALL))

    assert of(stage, "mariia").state == ContactState.DELETED
    assert of(stage, "olena").state == ContactState.ACTIVE


def test_a_field_is_as_it_was_but_where_somebody_changed_it_since(do: Any, stage: Stage) -> None:
    action = do(Edit("town", "Kyiv"), "olena", "bohdan", "ivan")
    change("ivan", {"town": "Odesa"})(stage)

    take_back(action)

    assert [of(stage, name).town for name in ("olena", "bohdan", "ivan")] == ["Lviv", None, "Odesa"]
    assert action.undo_counts == {"changed": 2, "unchanged": 0, "refused": 1}
    assert kept(stage, action) == {"ivan"}


def test_a_custom_field_is_as_it_was(do: Any, stage: Stage) -> None:
    change("olena", {"fields.visits": 3})(stage)

    take_back(do(Edit("fields.visits", "12"), "olena", "ivan"))

    assert (of(stage, "olena").attributes, of(stage, "ivan").attributes) == ({"visits": 3}, {})


def test_an_address_can_be_used_again_but_where_somebody_else_unsubscribed_it(do: Any, stage: Stage) -> None:
    Contact.objects.filter(pk=stage.ids["olena"]).update(email_state=ChannelState.UNCONFIRMED)
    action = do(Unsubscribe("email"), "olena", "bohdan")
    identity.suppress_addresses(["family@example.com"], ChannelState.BOUNCED, by="key:1")

    take_back(action)

    assert of(stage, "olena").email_state == ChannelState.UNCONFIRMED
    assert of(stage, "bohdan").email_state == ChannelState.BOUNCED
    assert action.undo_counts == {"changed": 1, "unchanged": 0, "refused": 1}
    assert (kept(stage, action), Suppression.objects.count()) == ({"bohdan"}, 1)


def test_whom_it_put_into_a_segment_goes_and_the_others_stay(do: Any, stage: Stage, guests: int) -> None:
    current().add(guests, [stage.ids["ivan"]], by="user:1")

    take_back(do(Join(guests), *ALL))

    assert [stage.name_of(contact.pk) for contact in current().members(guests)] == ["ivan"]


def test_whom_it_took_out_of_a_segment_comes_back_as_it_was(do: Any, stage: Stage, guests: int) -> None:
    current().add(guests, [stage.ids["ivan"]], by="user:1")

    take_back(do(Leave(guests), *ALL))

    assert [stage.name_of(contact.pk) for contact in current().members(guests)] == ["ivan"]
    assert {place.by for place in current().places_of(stage.ids["ivan"]).here if place.by} == {"user:1"}


def test_who_was_merged_since_is_told_and_left(do: Any, stage: Stage) -> None:
    action = do(Edit("town", "Kyiv"), "olena", "bohdan")
    merged("olena", "bohdan")(stage)

    take_back(action)

    assert kept(stage, action) >= {"bohdan"}


def test_taking_back_that_was_interrupted_goes_on_where_it_stopped(stage: Stage, in_ones: None, do: Any) -> None:
    action = do(Edit("town", "Kyiv"), "olena", "bohdan", "ivan")
    actions.undo(action, by="user:2")
    with pytest.raises(Stop):
        run.undo_all(action, tell=dying_after(1))
    action.refresh_from_db()
    assert (action.status, action.undo_done) == (ActionStatus.UNDOING, 1)

    run.undo_all(action)

    assert action.undo_counts == {"changed": 3, "unchanged": 0, "refused": 0}
    assert [of(stage, name).town for name in ("olena", "bohdan", "ivan")] == ["Lviv", None, None]


def test_what_was_done_before_it_was_cancelled_can_be_taken_back(stage: Stage, in_ones: None) -> None:
    action = ask(stage, Edit("town", "Kyiv"), "olena", "bohdan", "ivan")
    with pytest.raises(Stop):
        run.carry_out(action, tell=dying_after(1))
    ContactAction.objects.filter(pk=action.pk).update(status=ActionStatus.PAUSED)
    action.refresh_from_db()
    actions.cancel(action)

    take_back(action)

    assert action.undo_counts == {"changed": 1, "unchanged": 0, "refused": 0}


def test_it_is_taken_back_once(do: Any, stage: Stage) -> None:
    action = take_back(do(Delete(), "olena"))

    with pytest.raises(WrongMoment):
        actions.undo(action, by="user:2")
