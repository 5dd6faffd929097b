"""Who enters or leaves is told to webhooks and recorded as events, where the segment says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.admin.webhooks import list_kinds
from contacts.models import Event, EventType, Webhook
from contacts.webhooks import deliver, replay_dead_letters, save_webhook
from contacts.webhooks.bell import forget_targets
from segments.catalogue import save_segment
from segments.models import SegmentMove
from segments.watching.moves import ENTERED, LEFT, SegmentMoves, forget_old_moves
from tests.contacts.webhooks.conftest import Shop
from tests.contacts.webhooks.conftest import shop as shop  # the fixture
from tests.people import change, erased, have, merged
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher

LVIV = ask("town", "is", "Lviv")
OLENA = have("olena", {"email": "olena@example.com", "town": "Lviv"})


@pytest.fixture
def listen(shop: Shop) -> Callable[..., Webhook]:
    """The shop is told who enters and leaves."""
    forget_targets()

    def make(**chosen: Any) -> Webhook:
        return save_webhook(Webhook(**{"name": "Shop", "url": shop.url, "kinds": [ENTERED, LEFT], **chosen}))

    return make


def bring(webhook: Webhook) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(next_try_at=None)
    while deliver(webhook.pk) == 0:
        pass


def test_a_target_is_told_who_entered_and_left_and_why(
    watcher: Watcher, shop: Shop, listen: Callable[..., Webhook]
) -> None:
    webhook = listen(columns=["town"])
    segment = watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(OLENA).play(change("olena", {"town": "Kyiv"}))
    bring(webhook)

    olena = watcher.stage.ids["olena"]
    assert shop.told == [(ENTERED, olena), (LEFT, olena)]
    assert shop.changes[0]["segment"] == {"id": segment.pk, "name": "Lviv"}
    assert shop.changes[0]["cause"] == "contact"
    assert shop.changes[0]["contact"] == {"town": "Kyiv"}
    assert shop.changes[0]["id"].startswith("segments:")


def test_who_was_in_before_and_segments_that_tell_nothing_are_not_told(
    watcher: Watcher, shop: Shop, listen: Callable[..., Webhook]
) -> None:
    webhook = listen()
    watcher.play(OLENA)
    watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.watch("Quiet", ask("town", "is", "Kyiv"))
    watcher.play(have("taras", {"email": "taras@example.com", "town": "Kyiv"}))
    bring(webhook)

    assert shop.told == []


def test_a_merge_is_told_as_a_merge_alone(watcher: Watcher, shop: Shop, listen: Callable[..., Webhook]) -> None:
    webhook = listen(kinds=[ENTERED, LEFT, "merged"])
    watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(OLENA, have("ola", {"phone": "+380501112233"})).play(merged("ola", "olena"))
    bring(webhook)

    assert shop.told == [("merged", watcher.stage.ids["ola"]), (ENTERED, watcher.stage.ids["olena"])]


def test_what_is_told_late_and_of_whom_nothing_is_left(
    watcher: Watcher, shop: Shop, listen: Callable[..., Webhook]
) -> None:
    webhook = listen()
    watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(OLENA)
    erased("olena")(watcher.stage)
    bring(webhook)

    assert shop.told == []
    assert replay_dead_letters([]) == 0
    assert SegmentMoves().last() > 0


def test_other_conditions_tell_of_everybody_whom_they_move(
    watcher: Watcher, shop: Shop, listen: Callable[..., Webhook]
) -> None:
    webhook = listen()
    segment = watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(OLENA)
    segment.definition["match"]["value"] = "Kyiv"
    save_segment(segment)
    watcher.catch_up()
    bring(webhook)

    assert [change["cause"] for change in shop.changes] == ["contact", "definition"]


def test_the_settings_of_a_webhook_offer_both_kinds() -> None:
    assert {(ENTERED, "Entered a segment"), (LEFT, "Left a segment")} <= set(list_kinds())


def test_events_are_recorded_once_and_can_be_asked_about(watcher: Watcher) -> None:
    EventType.objects.create(key="segmentEntered")
    segment = watcher.watch("Lviv", LVIV, records_events=True)
    watcher.watch("Greeted", ask("events", "did", type="segmentEntered"))
    watcher.play(OLENA).play(change("olena", {"town": "Kyiv"}))
    watcher.catch_up()

    events = Event.objects.filter(contact_id=watcher.stage.ids["olena"], source="segment").order_by("pk")
    names = dict(EventType.objects.values_list("pk", "key"))
    assert [names[event.type_id] for event in events] == ["segmentEntered", "segmentLeft"]
    assert events[0].params == {"segmentId": segment.pk, "segment": "Lviv"}
    assert watcher.inside("Greeted") == {"olena"}


def test_an_event_is_recorded_on_who_stands_for_the_contact_by_then(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV, records_events=True)
    watcher.play(OLENA, have("ola", {"phone": "+380501112233"}))
    SegmentMove.objects.update(event_is_due=True)
    Event.objects.all().delete()
    watcher.play(merged("ola", "olena"))

    assert set(Event.objects.values_list("contact_id", flat=True)) == {watcher.stage.ids["ola"]}


def test_moves_are_kept_for_a_month(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(OLENA)
    forget_old_moves()
    assert SegmentMove.objects.count() == 1

    SegmentMove.objects.update(at=timezone.now() - timedelta(days=31))
    forget_old_moves()
    assert SegmentMove.objects.count() == 0
