"""Who entered and left a watched segment, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contacts import identity, populations
from contacts.models import Change, Contact
from segments.catalogue import save_segment
from segments.membership import add_members
from segments.models import ChangedContacts, SegmentSize, Stay, WatchStage
from segments.watching import (
    advance,
    forget_watched,
    list_as_of,
    list_sizes,
    list_stays,
    since_when,
    stop_watching,
    watch_segment,
)
from segments.watching.retention import forget_old_stays
from segments.watching.upkeep import move_changed, start_new
from tests.people import BY, Stage, browsed, change, crowd, deleted, erased, have, merged, ordered
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher

LVIV = ask("town", "is", "Lviv")


def olena(town: str = "Lviv", **more: Any) -> Any:
    return have("olena", {"email": "olena@example.com", "town": town, **more})


def taras(town: str = "Lviv") -> Any:
    return have("taras", {"email": "taras@example.com", "town": town})


def test_who_is_in_when_the_history_begins_was_in_from_the_start(watcher: Watcher) -> None:
    watcher.play(olena(), taras("Kyiv")).watch("Lviv", LVIV)

    assert watcher.inside("Lviv") == {"olena"}
    assert watcher.stays("Lviv", "olena") == [("start", "")]
    assert (watcher.watch_of("Lviv").size, watcher.watch_of("Lviv").stage) == (1, WatchStage.LIVE)


def test_a_change_is_the_cause_and_names_its_entry_in_the_journal(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    watcher.play(olena("Kyiv"), change("olena", {"town": "Lviv"})).play(change("olena", {"town": "Odesa"}))

    entry, exit_ = Change.objects.filter(contact_id=watcher.stage.ids["olena"]).order_by("pk")[1:]
    [stay] = list_stays(watcher.segments["Lviv"], watcher.stage.ids["olena"])
    assert (stay.entered_by, stay.entered_ref, stay.left_by, stay.left_ref) == (
        "contact",
        entry.pk,
        "contact",
        exit_.pk,
    )
    assert watcher.inside("Lviv") == set()


def test_whoever_comes_back_has_a_second_stay(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    watcher.play(olena())
    for town in ("Kyiv", "Lviv"):
        watcher.play(change("olena", {"town": town}))

    assert watcher.stays("Lviv", "olena") == [("contact", "contact"), ("contact", "")]
    assert set(since_when(watcher.stage.ids["olena"])) == {watcher.segments["Lviv"].pk}


def test_events_orders_and_lists_are_causes_too(watcher: Watcher) -> None:
    watcher.play(olena(), browsed("olena"))
    watcher.watch("Curious", ask("events", "at_least", 2, measure="count", type="pageView"))
    watcher.watch("Buyers", ask("orders", "did"))
    watcher.watch("Friends")
    watcher.play(browsed("olena", "again")).play(ordered("olena"))
    add_members(watcher.segments["Friends"], [watcher.stage.ids["olena"]], by=BY)
    watcher.catch_up()

    causes = {name: watcher.stays(name, "olena") for name in ("Curious", "Buyers", "Friends")}
    assert causes == {"Curious": [("event", "")], "Buyers": [("order", "")], "Friends": [("list", "")]}


def test_a_segment_of_segments_follows(watcher: Watcher) -> None:
    lviv = watcher.watch("Lviv", LVIV, is_watched=False)
    watcher.watch("Not Lviv", ask("segment", "not_in", lviv.pk))
    watcher.play(olena())
    assert watcher.inside("Not Lviv") == set()

    watcher.play(change("olena", {"town": "Kyiv"}))
    assert watcher.inside("Not Lviv") == {"olena"}


def test_the_clock_takes_out_only_whom_it_concerns(watcher: Watcher) -> None:
    watcher.watch("New", ask("created_at", "in_last", [30, "days"]))
    watcher.play(olena()).wait(days=10)
    watcher.play(taras()).wait(days=20)

    assert watcher.inside("New") == {"taras"}
    assert watcher.stays("New", "olena") == [("contact", "clock")]


def test_other_conditions_define_everybody_anew(watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV)
    watcher.play(olena(), taras("Kyiv"))
    segment.definition["match"]["value"] = "Kyiv"
    save_segment(segment)
    watcher.catch_up()

    assert watcher.inside("Lviv") == {"taras"}
    assert watcher.stays("Lviv", "olena") == [("contact", "definition")]
    assert watcher.stays("Lviv", "taras") == [("definition", "")]


def test_the_conditions_of_a_named_segment_count_as_its_own(watcher: Watcher) -> None:
    named = watcher.watch("Lviv", LVIV, is_watched=False)
    watcher.watch("Around", ask("segment", "in", named.pk))
    watcher.play(olena())
    named.definition["match"]["value"] = "Kyiv"
    save_segment(named)
    watcher.catch_up()

    assert watcher.inside("Around") == set()


def test_a_broken_definition_keeps_its_stays_and_says_what_is_wrong(watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV)
    watcher.play(olena())
    segment.definition["match"]["field"] = "shoe"
    segment.save()
    watcher.play(change("olena", {"town": "Kyiv"}))
    assert "no such field" in watcher.watch_of("Lviv").problem
    assert watcher.inside("Lviv") == {"olena"}

    segment.definition["match"]["field"] = "town"
    segment.save()
    watcher.catch_up()
    assert (watcher.watch_of("Lviv").problem, watcher.inside("Lviv")) == ("", set())


# Merges, deletions, erasing


def test_who_is_merged_stays_in_through_the_survivor(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    watcher.play(olena(), have("ola", {"phone": "+380501112233"})).play(merged("ola", "olena"))

    assert watcher.inside("Lviv") == {"ola"}
    assert watcher.stays("Lviv", "ola") == [("contact", "")]
    assert watcher.stays("Lviv", "olena") == []


def test_of_two_who_were_in_the_survivor_stays_and_the_other_ends(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    watcher.play(olena(), taras()).play(merged("taras", "olena"))

    assert watcher.inside("Lviv") == {"taras"}
    assert watcher.watch_of("Lviv").size == 1


def test_a_merge_that_is_taken_back_gives_the_stay_back(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    watcher.play(olena(), have("ola", {"phone": "+380501112233"})).play(merged("ola", "olena"))
    entered_at = Stay.objects.get(left_at=None).entered_at
    identity.undo_merge(watcher.stage.merges["olena"], by=BY, at=watcher.stage.tick())
    watcher.catch_up()

    assert watcher.inside("Lviv") == {"olena"}
    assert Stay.objects.get(left_at=None).entered_at == entered_at


def test_who_is_deleted_leaves_and_who_is_erased_was_never_there(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV, tells_webhooks=True)
    watcher.play(olena(), taras()).play(deleted("olena"))
    assert watcher.stays("Lviv", "olena") == [("contact", "contact")]

    watcher.play(erased("olena"))
    erased("taras")(watcher.stage)
    assert not Stay.objects.exists()
    assert watcher.catch_up().watch_of("Lviv").size == 0


# Days


def test_sizes_are_kept_by_day_and_a_quiet_day_is_as_the_one_before(watcher: Watcher) -> None:
    watcher.watch("New", ask("created_at", "in_last", [2, "days"]))
    watcher.play(olena(), taras()).wait(days=1)
    watcher.wait(days=1)
    first = (watcher.stage.now - timedelta(days=2)).date()

    days = list_sizes(watcher.segments["New"], first=first, last=first + timedelta(days=2))
    assert [(day.size, day.entered, day.left) for day in days] == [(2, 2, 0), (2, 0, 0), (0, 0, 2)][: len(days)]


def test_who_was_in_at_the_end_of_a_past_day(watcher: Watcher) -> None:
    watcher.stage.now -= timedelta(days=10)
    watcher.watch("Lviv", LVIV)
    watcher.play(olena()).wait(days=3)
    monday = (watcher.stage.now - timedelta(days=1)).date()
    watcher.play(change("olena", {"town": "Kyiv"}), taras())

    def names(day: Any) -> list[str | None]:
        return [watcher.stage.name_of(one.stay.contact_id) for one in list_as_of(watcher.segments["Lviv"], day)]

    assert names(monday) == ["olena"]
    assert names(monday + timedelta(days=2)) == ["taras"]
    assert names(monday - timedelta(days=5)) == []


def test_a_stay_that_ended_long_ago_is_forgotten_and_who_is_in_is_not(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV, kept_days=30)
    watcher.play(olena(), taras(), change("taras", {"town": "Kyiv"}))
    Stay.objects.update(entered_at=watcher.stage.now - timedelta(days=90))
    Stay.objects.filter(left_at__isnull=False).update(left_at=watcher.stage.now - timedelta(days=40))
    forget_old_stays()

    assert [watcher.stage.name_of(stay.contact_id) for stay in Stay.objects.all()] == ["olena"]


# The switch


def test_nothing_is_noted_while_nothing_is_watched(watcher: Watcher) -> None:
    for step in (olena(), browsed("olena"), ordered("olena")):
        step(watcher.stage)

    assert not ChangedContacts.objects.exists()


def test_a_history_that_is_switched_off_moves_no_more_and_begins_anew(watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV)
    watcher.play(olena())
    stop_watching(segment)
    forget_watched()
    watcher.play(change("olena", {"town": "Kyiv"}), taras())
    assert watcher.inside("Lviv") == {"olena"}

    watch_segment(segment)
    forget_watched()
    start_new(now=watcher.stage.now, waits=False)
    watcher.catch_up()
    assert watcher.inside("Lviv") == {"taras"}
    assert watcher.stays("Lviv", "olena") == [("contact", "check")]
    assert watcher.watch_of("Lviv").size == 1


def test_the_first_look_waits_until_every_process_knows(watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV, is_watched=False)
    watch_segment(segment)
    now = watcher.stage.now
    stages = []
    for seconds in (0, 1, 7, 8):
        start_new(now=now + timedelta(seconds=seconds))
        stages.append(watcher.watch_of("Lviv").stage)

    assert stages == ["new", "new", "new", "sweeping"]


def test_what_changes_during_the_first_look_is_not_lost(watcher: Watcher) -> None:
    watcher.play(olena(), taras("Kyiv"))
    watcher.watch("Lviv", LVIV, catches_up=False)
    for step in (change("olena", {"town": "Kyiv"}), change("taras", {"town": "Lviv"})):
        step(watcher.stage)
    move_changed(now=watcher.stage.now)
    watcher.catch_up()

    assert watcher.inside("Lviv") == {"taras"}
    assert watcher.stays("Lviv", "taras") == [("start", "")]


def test_the_history_of_a_deleted_segment_goes(watcher: Watcher) -> None:
    segment = watcher.watch("Lviv", LVIV)
    watcher.play(olena())
    segment.delete()
    forget_old_stays()

    assert (Stay.objects.count(), SegmentSize.objects.count()) == (0, 0)


def test_many_contacts_are_noted_in_few_rows(watcher: Watcher) -> None:
    watcher.watch("Lviv", LVIV)
    populations.contacts_changed.send(sender=None, contact_ids=range(1, 2501), at=watcher.stage.now)
    assert ChangedContacts.objects.count() == 3

    crowd(30, {"town": "Lviv"})(watcher.stage)
    watcher.catch_up()
    assert watcher.watch_of("Lviv").size == 30
    assert not ChangedContacts.objects.exists()


def test_who_was_in_before_anybody_looked_is_nobody_who_came(stage: Stage, watcher: Watcher) -> None:
    watcher.play(olena())
    watcher.watch("Lviv", LVIV, tells_webhooks=True)

    [size] = SegmentSize.objects.filter(segment=watcher.segments["Lviv"])
    assert (size.size, size.entered) == (1, 0)
    assert Contact.objects.count() == 1
    assert advance(now=stage.now) is False


@pytest.mark.parametrize("kept", [1, 730])
def test_a_watch_remembers_what_was_chosen(watcher: Watcher, kept: int) -> None:
    segment = watcher.watch("Lviv", LVIV, records_events=True, kept_days=kept)
    watch_segment(segment, tells_webhooks=True)

    watch = watcher.watch_of("Lviv")
    assert (watch.tells_webhooks, watch.records_events, watch.kept_days) == (True, False, kept)
