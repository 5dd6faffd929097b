"""What happens to contacts at random, through the verbs that every door uses; the same seed is the same life."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contacts import identity
from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity.errors import ContactNotFound
from contacts.identity.types import API, MOBILE, WEB
from contacts.keys import Kind
from contacts.models import Change, ChannelState, Contact, ContactState, CustomField, Identifier, Merge
from crm.errors import CardfileError
from segments.catalogue import delete_segment, save_segment
from segments.membership import add_members, remove_members
from segments.models import Segment, SegmentType
from tests.people import BY, CUSTOM_FIELDS, cookie, described, device, push
from tests.segments.table import ask, define

__all__ = ["Life"]

NAMES: Final = ("Olena", "Bohdan", "Taras", "Oksana", "Ivan", 'Марія "Мар\\я"', "Zoë\tО'Ніл", "100 %", "\\N")
TOWNS: Final = ("Lviv", "Kyiv", "Odesa", "Lutsk")
STATUSES: Final = ("INITIALIZED", "IN_PROGRESS", "DELIVERED", "CANCELLED")
DYNAMIC: Final = (
    ask("town", "is", "Lviv"),
    ask("town", "is_one_of", ["Kyiv", "Odesa"]),
    ask("first_name", "contains", "a"),
)
KEPT_FIELDS: Final = frozenset(definition["key"] for definition in CUSTOM_FIELDS)


class Life:
    """Among about so many ``people``; ``happened`` counts what came of it, refusals by their code."""

    def __init__(self, seed: int, people: int) -> None:
        self.chance = random.Random(seed)
        self.people = people
        self.happened: Counter[str] = Counter()

    def go_on(self, times: int) -> None:
        """So many happenings, one after the other; what the rules refuse is refused, and that is that."""
        for happening in self.chance.choices(list(HAPPENINGS), weights=list(HAPPENINGS.values()), k=times):
            try:
                happening(self)
                self.happened[happening.__name__] += 1
            except CardfileError as error:
                self.happened[f"{happening.__name__}: {error.code}"] += 1

    # Somebody, something

    def number(self) -> int:
        return self.chance.randrange(self.people)

    def email(self) -> str:
        return f"olena.{self.number()}@example.com"

    def phone(self) -> str:
        return f"+38050{self.number():07d}"

    def contact(self, *states: ContactState) -> int:
        """Any of them; raises ``ContactNotFound`` where there is nobody of this kind."""
        if not (ids := self.ids(*states)):
            raise ContactNotFound(contact_id=0)
        return self.chance.choice(ids)

    def ids(self, *states: ContactState) -> list[int]:
        return list(Contact.objects.filter(state__in=states).order_by("pk").values_list("pk", flat=True)[:2_000])

    def active(self) -> int:
        return self.contact(ContactState.ACTIVE)

    def record(self) -> dict[str, Any]:
        """Who calls; a person is sometimes known by one thing and sometimes by another."""
        number = self.number()
        known = {
            "external_id": f"C{number}",
            "email": f"olena.{number}@example.com",
            "phone": f"+38050{number:07d}",
            "fields.loyalty": f"L{number}",
        }
        keys = self.chance.sample(sorted(known), self.chance.randint(1, 3))
        return {key: known[key] for key in keys}

    def values(self) -> dict[str, Any]:
        given = {
            "first_name": self.chance.choice(NAMES),
            "last_name": f"Koval {self.number()}",
            "town": self.chance.choice(TOWNS),
            "language_code": self.chance.choice(("uk", "en", "pl")),
            "fields.tier": self.chance.choice(("gold", "", "plain\nof two lines")),
            "fields.badge": self.number(),
        }
        return {key: given[key] for key in self.chance.sample(sorted(given), self.chance.randint(1, 3))}

    # Contacts

    def come(self) -> None:
        identity.resolve_one({**self.record(), **self.values()}, API, by=BY)

    def come_together(self) -> None:
        records = [{**self.record(), **self.values()} for _ in range(self.chance.randint(2, 8))]
        identity.resolve(records, API, by="import:1")

    def edit(self) -> None:
        identity.resolve_one({"id": self.active(), **self.values()}, API, by=BY)

    def get_another_address(self) -> None:
        identity.resolve_one({"id": self.active(), "email": self.email(), "phone": self.phone()}, API, by=BY)

    def take_back(self) -> None:
        newest = list(Change.objects.order_by("-pk").values_list("contact_id", "pk")[:50])
        contact_id, change_id = self.chance.choice(newest or [(0, 0)])
        identity.take_back_change(contact_id, change_id, by=BY)

    def delete(self) -> None:
        identity.delete_contacts([self.active()], by=BY)

    def restore(self) -> None:
        identity.restore_contacts([self.contact(ContactState.DELETED)], by=BY)

    def erase(self) -> None:
        identity.erase_contacts([self.contact(ContactState.ACTIVE, ContactState.DELETED, ContactState.MERGED)], by=BY)

    def merge(self) -> None:
        identity.merge_contacts(self.active(), self.active(), by=BY)

    def unmerge(self) -> None:
        merges = list(Merge.objects.filter(undone_at=None).order_by("-pk").values_list("pk", flat=True)[:10])
        identity.undo_merge(self.chance.choice(merges or [0]), by=BY)

    def close_channel(self) -> None:
        state = self.chance.choice((ChannelState.UNSUBSCRIBED, ChannelState.BOUNCED, ChannelState.BLACKLISTED))
        identity.suppress_addresses([self.email(), self.phone()], state, by=BY)

    def open_channel(self) -> None:
        identity.lift_suppressions([self.email(), self.phone()], by=BY)

    # Identifiers

    def identifier(self) -> Identifier:
        held = Identifier.objects.filter(contact_id__in=self.ids(ContactState.ACTIVE)).exclude(kind=Kind.ORDER)
        found = list(held.order_by("-pk")[:100])
        if not found:
            raise ContactNotFound(contact_id=0)
        return self.chance.choice(found)

    def get_a_device(self) -> None:
        tokens = [
            described(device(f"phone-{self.number()}"), model=self.chance.choice(NAMES)),
            push(f"p{self.number()}"),
        ]
        identity.resolve_one({**self.record(), "identifiers": tokens}, MOBILE, by=BY)

    def lose_an_identifier(self) -> None:
        held = self.identifier()
        identity.detach_identifier(held.contact_id, Kind(held.kind), held.app, held.value, by=BY)

    def hand_over_an_identifier(self) -> None:
        held = self.identifier()
        identity.move_identifier(held.contact_id, Kind(held.kind), held.app, held.value, self.active(), by=BY)

    # What they do

    def look_around(self) -> None:
        seen = {"identifiers": [cookie(f"visit-{self.number()}")]}
        record_events([NewEvent("pageView", seen, params={"page": "/tea"})], by="tracker:web", plan=WEB_EVENT)

    def say_who_looked_around(self) -> None:
        tokens = [cookie(f"visit-{self.number()}")]
        identity.resolve_one({**self.record(), "identifiers": tokens}, WEB, by="tracker:web")

    def act(self) -> None:
        events = [
            NewEvent(self.chance.choice(("teaBought", "cupBroken")), self.record(), params={"much": self.number()})
            for _ in range(self.chance.randint(1, 4))
        ]
        later = datetime.now(UTC) + timedelta(minutes=self.chance.randrange(30))
        record_events(events, by=BY, at=later)

    def order(self) -> None:
        record_orders([self.some_order() for _ in range(self.chance.randint(1, 3))], by=BY)

    def some_order(self) -> NewOrder:
        items = [
            {"externalItemId": f"tea-{number}", "quantity": self.chance.choice((1, "2", "many")), "cost": "4.50"}
            for number in range(self.chance.randrange(4))
        ]
        return NewOrder(
            number=f"O-{self.number()}",
            contact=self.record(),
            status=self.chance.choice(STATUSES),
            total_cost=self.chance.choice(("99.90", "0", "12345678.0001")),
            currency=self.chance.choice(("UAH", "EUR")),
            ordered_at=datetime.now(UTC) - timedelta(days=self.chance.randrange(40)),
            items=self.chance.choice((None, items)),
        )

    # Segments and fields

    def segment(self, *types: str) -> Segment:
        found = list(Segment.objects.filter(type__in=types, builtin=None).order_by("pk"))
        return self.chance.choice(found) if found else self.make_segment()

    def make_segment(self) -> Segment:
        name = f"Friends of tea {self.chance.randrange(10**9)}"
        if self.chance.random() < 0.5:
            return save_segment(Segment(name=name, type=SegmentType.STATIC))
        return save_segment(Segment(name=name, definition=define(self.chance.choice(DYNAMIC))))

    def change_segment(self) -> None:
        segment = self.segment(SegmentType.STATIC, SegmentType.DYNAMIC)
        segment.name = f"Friends of coffee {self.chance.randrange(10**9)}"
        if not segment.is_static:
            segment.definition = define(self.chance.choice(DYNAMIC))
        save_segment(segment)

    def lose_a_segment(self) -> None:
        delete_segment(self.segment(SegmentType.STATIC, SegmentType.DYNAMIC))

    def join(self) -> None:
        add_members(self.segment(SegmentType.STATIC), [self.active() for _ in range(3)], by=BY)

    def leave(self) -> None:
        remove_members(self.segment(SegmentType.STATIC), [self.active() for _ in range(3)], by=BY)

    def have_another_field(self) -> None:
        """Tables keep the columns that were chosen; what is gone from here goes there too."""
        others = CustomField.objects.exclude(key__in=KEPT_FIELDS)
        if others.exists():
            others.delete()
        else:
            CustomField.objects.create(key="shoe_size", label="Shoe size", type="number")


HAPPENINGS: Final[dict[Callable[[Life], object], int]] = {
    Life.come: 12,
    Life.come_together: 6,
    Life.edit: 10,
    Life.get_another_address: 4,
    Life.take_back: 3,
    Life.delete: 4,
    Life.restore: 3,
    Life.erase: 2,
    Life.merge: 5,
    Life.unmerge: 4,
    Life.close_channel: 2,
    Life.open_channel: 1,
    Life.get_a_device: 4,
    Life.lose_an_identifier: 2,
    Life.hand_over_an_identifier: 3,
    Life.look_around: 4,
    Life.say_who_looked_around: 4,
    Life.act: 8,
    Life.order: 8,
    Life.make_segment: 1,
    Life.change_segment: 1,
    Life.lose_a_segment: 1,
    Life.join: 3,
    Life.leave: 2,
    Life.have_another_field: 1,
}
"""How often each happens, against the others."""
