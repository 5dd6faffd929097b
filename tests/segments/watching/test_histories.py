"""Whatever happens, in whatever order: the stays say what asking everybody anew would say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts import identity
from contacts.activity import NewEvent, NewOrder, record_events, record_orders
from contacts.activity.consents import replace_subscriptions
from contacts.identity.types import API, MOBILE
from contacts.models import Contact, ContactState, DuplicateCase, EventType
from crm.errors import CardfileError
from segments.catalogue import save_segment
from segments.membership import add_members, remove_members
from segments.models import SegmentSize, SegmentType, Stay
from segments.watching import check_again
from tests.people import BY, device
from tests.segments.table import ask
from tests.segments.watching.conftest import Watcher, member_ids

TOWNS = ["Lviv", "Kyiv", "Odesa"]
ZONES = ["Europe/Kyiv", "Pacific/Auckland", "America/Los_Angeles", "nowhere"]
SIZES = [1, 2, 7, 30]


def bought(measure: str, op: str, *value: Any, **more: Any) -> dict[str, Any]:
    return ask("orders", op, *value, measure=measure, **more)


def last(count: int, unit: str) -> dict[str, Any]:
    return {"op": "in_last", "value": [count, unit]}


WATCHED: dict[str, dict[str, Any]] = {
    "Lviv": {"match": ask("town", "is", "Lviv")},
    "Unknown": {"match": ask("external_id", "is_empty")},
    "Found": {"match": ask("email", "is_one_of", ["p0@example.com", "p1@example.com"])},
    "New": {"match": ask("created_at", "in_last", [2, "days"])},
    "Old": {"match": ask("created_at", "more_than_ago", [3, "days"])},
    "Today": {"match": ask("created_at", "today"), "time_zone": "contact"},
    "Month": {"match": ask("created_at", "this_month"), "time_zone": "account"},
    "Renewal": {"match": ask("fields.renewed", "in_next", [36, "hours"])},
    "Birthday": {"match": ask("fields.birthday", "anniversary", 1), "time_zone": "contact"},
    "Seen": {"match": ask("last_seen_at", "in_last", [6, "hours"])},
    "Twin": {"match": ask("duplicates", "has")},
    "News": {"match": ask("consent.news", "granted")},
    "Buyers": {"match": bought("last_at", "in_last", [2, "days"])},
    "Lapsed": {"match": bought("last_at", "more_than_ago", [1, "days"])},
    "Spent": {"match": bought("sum", "more_than", 25, of="total_cost", period=last(3, "days"))},
    "Quiet": {"match": ask("events", "did_not", type="view", period=last(1, "days"))},
    "Keen": {"match": ask("events", "at_least", 2, measure="count", type="view", period={"op": "this_week"})},
    "Devices": {"match": ask("identifiers", "at_least", 1, measure="count", type="device")},
    "Friends": {},
}


def named(watcher: Watcher, name: str, op: str = "in") -> dict[str, Any]:
    return ask("segment", op, watcher.segments[name].pk)


class History:
    """A clock that goes on, and what may happen. People and things are named by small numbers."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.stage = watcher.stage
        self.merges: list[int] = []

    def someone(self, who: int) -> int | None:
        """The contact, as it is by now."""
        ids = list(Contact.objects.exclude(state=ContactState.ERASED).order_by("pk").values_list("pk", flat=True))
        return ids[who % len(ids)] if ids else None

    def on(self, who: int, verb: Callable[[int], Any]) -> None:
        contact_id = self.someone(who)
        if contact_id is None:
            return
        try:
            with transaction.atomic():
                verb(contact_id)
        except CardfileError:
            pass  # such as merging somebody who was erased: nothing happens

    def tell(self, record: dict[str, Any], plan: Any = API) -> None:
        identity.resolve([record], plan, by=BY, at=self.stage.tick())

    def come(self, who: int, what: int) -> None:
        renewed = (self.stage.now + timedelta(hours=12 * what)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        day = self.stage.now.date() + timedelta(days=what % 5 - 2)
        record = {
            "email": f"p{who}@example.com",
            "town": TOWNS[what % 3],
            "time_zone": ZONES[what % 4],
            "fields.renewed": renewed,
            "fields.birthday": day.replace(year=1990, day=min(day.day, 28)).isoformat(),
        }
        self.tell({**record, **({"external_id": f"C-{who}"} if what % 2 else {})})

    def share(self, who: int, what: int) -> None:
        self.tell({"external_id": f"C-{who}", "phone": f"+38050111223{what % 3}"})

    def move(self, who: int, what: int) -> None:
        self.on(who, lambda contact_id: self.tell({"id": contact_id, "town": TOWNS[what % 3]}))

    def see(self, who: int, what: int) -> None:
        self.tell({"identifiers": [device(f"device-{who}")]}, MOBILE)

    def view(self, who: int, what: int) -> None:
        at = self.stage.tick()
        when = at - timedelta(hours=7 * (what - 1))
        self.on(who, lambda pk: record_events([NewEvent("view", {"id": pk}, occurred_at=when)], by=BY, at=at))

    def buy(self, who: int, what: int) -> None:
        at = self.stage.tick()
        status = "DELIVERED" if what % 4 else "CANCELLED"
        number = f"O-{who}-{what % 2}"

        def verb(contact_id: int) -> None:
            order = NewOrder(number, {"id": contact_id}, status, 10 * what, "UAH", at - timedelta(hours=5 * (what - 1)))
            record_orders([order], by=BY, at=at)

        self.on(who, verb)

    def subscribe(self, who: int, what: int) -> None:
        wanted = ["news"] if what % 2 else ["offers"]
        at = self.stage.tick()
        self.on(who, lambda pk: replace_subscriptions(pk, wanted, by=BY, basis="form", at=at))

    def delete(self, who: int, what: int) -> None:
        self.on(who, lambda contact_id: identity.delete_contacts([contact_id], by=BY, at=self.stage.tick()))

    def restore(self, who: int, what: int) -> None:
        self.on(who, lambda contact_id: identity.restore_contacts([contact_id], by=BY, at=self.stage.tick()))

    def erase(self, who: int, what: int) -> None:
        if what == 3:
            self.on(who, lambda contact_id: identity.erase_contacts([contact_id], by=BY, at=self.stage.tick()))

    def merge(self, who: int, what: int) -> None:
        other = self.someone(who + what)
        at = self.stage.tick()

        def verb(survivor: int) -> None:
            if other is not None and other != survivor:
                self.merges.append(identity.merge_contacts(survivor, other, by=BY, at=at))

        self.on(who, verb)

    def unmerge(self, who: int, what: int) -> None:
        if self.merges:
            number = self.merges[-1 - who % len(self.merges)]
            self.on(who, lambda _contact_id: identity.undo_merge(number, by=BY, at=self.stage.tick()))

    def dismiss(self, who: int, what: int) -> None:
        case = DuplicateCase.objects.filter(status="open").order_by("pk").first()
        if case is not None:
            identity.dismiss_case(case.pk, by=BY, at=self.stage.tick())

    def join(self, who: int, what: int) -> None:
        self.on(who, lambda contact_id: add_members(self.watcher.segments["Friends"], [contact_id], by=BY))

    def leave(self, who: int, what: int) -> None:
        self.on(who, lambda contact_id: remove_members(self.watcher.segments["Friends"], [contact_id], by=BY))

    def define(self, who: int, what: int) -> None:
        segment = self.watcher.segments["Lviv"]
        segment.definition = {"version": 1, "match": ask("town", "is", TOWNS[what % 3])}
        save_segment(segment)

    def check(self, who: int, what: int) -> None:
        check_again(self.watcher.segments["Unknown"])

    def minutes(self, who: int, what: int) -> None:
        self.stage.now += timedelta(minutes=37 * what)

    def days(self, who: int, what: int) -> None:
        self.stage.now += timedelta(days=what % 4, hours=5)

    def look(self, who: int, what: int) -> None:
        """Whatever is due is done, and compared."""
        self.watcher.catch_up()
        check_stays(self.watcher)


VERBS = [name for name in vars(History) if not name.startswith("_") and name not in ("someone", "on", "tell")]
LIKELY = ["come", "come", "come", "move", "look", "look", "look", "minutes", "days", "merge", "unmerge", "buy", "view"]
steps = st.tuples(st.sampled_from([*VERBS, *LIKELY]), st.integers(0, 4), st.integers(0, 7))


def check_stays(watcher: Watcher) -> None:
    for name, segment in watcher.segments.items():
        segment.refresh_from_db()
        expected = member_ids(segment, watcher.stage.now)
        stays = list(Stay.objects.filter(segment=segment).order_by("contact_id", "entered_at", "pk"))
        assert {stay.contact_id for stay in stays if stay.left_at is None} == expected, name
        watch = watcher.watch_of(name)
        assert (watch.size, watch.stage, watch.problem) == (len(expected), "live", ""), name
        size = SegmentSize.objects.filter(segment=segment).order_by("day").last()
        is_of_this_clock = size is not None and size.day <= watcher.stage.now.date()  # erasing has a clock of its own
        assert size is None or not is_of_this_clock or size.size == len(expected), name
        check_order(stays)


def check_order(stays: list[Stay]) -> None:
    """Nobody is in twice at a time but by the stays that a merge brought together."""
    by_contact = defaultdict(list)
    for stay in stays:
        by_contact[stay.contact_id].append(stay)
    for own in by_contact.values():
        for earlier, later in pairwise(own):
            overlaps = earlier.left_at is None or earlier.left_at > later.entered_at
            assert not overlaps or earlier.origin_id is not None or later.origin_id is not None


@pytest.fixture
def watched(watcher: Watcher) -> Watcher:
    """Everything that can be watched is; nobody is there yet."""
    EventType.objects.create(key="view")
    for name, definition in WATCHED.items():
        watcher.watch(name, catches_up=False, **definition)
    watcher.watch("Both", {"all": [named(watcher, "Lviv"), named(watcher, "New", "not_in")]}, catches_up=False)
    watcher.watch("Guests", named(watcher, "Unknown"), exclude=named(watcher, "Friends"), catches_up=False)
    return watcher.catch_up()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(history=st.lists(steps, min_size=5, max_size=40))
def test_stays_are_what_asking_everybody_anew_would_say(watched: Watcher, history: list[tuple[str, int, int]]) -> None:
    begun = watched.stage.now
    with transaction.atomic():
        told = History(watched)
        for verb, who, what in [*history, ("look", 0, 0)]:
            getattr(told, verb)(who, what)
        watched.stage.now = begun
        transaction.set_rollback(True)


def test_the_static_segment_of_the_histories_is_one(watched: Watcher) -> None:
    assert watched.segments["Friends"].type == SegmentType.STATIC
