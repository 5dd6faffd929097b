"""Demo data, written through the verbs as any other data: people of many countries and what they did."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.core.management.base import BaseCommand, CommandError, CommandParser

from contacts import populations
from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import delete_contacts, merge_contacts, resolve, suppress_addresses
from contacts.identity.types import API, DEVICE, EVENT, IMPORT, SUBSCRIBE, Plan
from contacts.models import ChannelState, Contact, CustomField, EventType, FieldType, OrderStatus
from contacts.statistics import refresh_statistics

BY: Final = "command:make_demo"
BATCH: Final = 1_000
SLICES: Final = 24
"""Contacts came over two years, a slice a month."""


class Country(NamedTuple):
    """``names`` and ``surnames`` are (as written, in Latin letters); ``phone`` takes a number of seven digits."""

    language: str
    time_zone: str
    phone: str
    towns: tuple[str, ...]
    names: tuple[tuple[str, str], ...]
    surnames: tuple[tuple[str, str], ...]


COUNTRIES: Final = (
    Country(
        "uk", "Europe/Kyiv", "+38067{}", ("Київ", "Львів", "Одеса", "Харків"),
        (("Олена", "olena"), ("Тарас", "taras"), ("Ганна", "hanna"), ("Богдан", "bohdan"), ("Соломія", "solomiia")),
        (("Шевченко", "shevchenko"), ("Коваль", "koval"), ("Мельник", "melnyk"), ("Бондар", "bondar")),
    ),
    Country(
        "pl", "Europe/Warsaw", "+4860{}", ("Warszawa", "Kraków", "Łódź", "Gdańsk"),
        (("Zofia", "zofia"), ("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Paweł", "pawel")),
        (("Wójcik", "wojcik"), ("Kowalczyk", "kowalczyk"), ("Żak", "zak"), ("Dąbrowska", "dabrowska")),
    ),
    Country(
        "de", "Europe/Berlin", "+491511{}", ("München", "Köln", "Berlin", "Düsseldorf"),
        (("Jürgen", "juergen"), ("Käthe", "kaethe"), ("Lena", "lena"), ("Jörg", "joerg")),
        (("Müller", "mueller"), ("Weiß", "weiss"), ("Schröder", "schroeder"), ("Köhler", "koehler")),
    ),
    Country(
        "es", "Europe/Madrid", "+3461{}", ("Málaga", "Córdoba", "Madrid", "León"),
        (("José", "jose"), ("María", "maria"), ("Íñigo", "inigo"), ("Begoña", "begona")),
        (("Muñoz", "munoz"), ("García", "garcia"), ("Peña", "pena"), ("Núñez", "nunez")),
    ),
    Country(
        "el", "Europe/Athens", "+30694{}", ("Αθήνα", "Πάτρα", "Θεσσαλονίκη"),
        (("Ελένη", "eleni"), ("Γιώργος", "giorgos"), ("Δήμητρα", "dimitra")),
        (("Παπαδόπουλος", "papadopoulos"), ("Νικολάου", "nikolaou"), ("Οικονόμου", "oikonomou")),
    ),
    Country(
        "tr", "Europe/Istanbul", "+90532{}", ("İstanbul", "İzmir", "Eskişehir"),
        (("Ayşe", "ayse"), ("Çağlar", "caglar"), ("Ömer", "omer")),
        (("Yılmaz", "yilmaz"), ("Şahin", "sahin"), ("Öztürk", "ozturk")),
    ),
    Country(
        "ja", "Asia/Tokyo", "+81902{}", ("東京", "大阪", "札幌"),
        (("さくら", "sakura"), ("健太", "kenta"), ("美咲", "misaki")),
        (("佐藤", "sato"), ("鈴木", "suzuki"), ("渡辺", "watanabe")),
    ),
    Country(
        "en", "Europe/London", "+44740{}", ("Leeds", "Bristol", "Stoke-on-Trent"),
        (("Siân", "sian"), ("Oliver", "oliver"), ("Zoë", "zoe")),
        (("O’Brien", "obrien"), ("Smith-Jones", "smith-jones"), ("Taylor", "taylor")),
    ),
)  # fmt: skip
CATEGORIES: Final = ("boots", "coats", "hats", "bags")
PAGES: Final = ("/", "/boots", "/coats", "/sale", "/cart", "/delivery")
GOODS: Final = (("Boots “Carpathian”", "boots", 2_499), ("Wool coat", "coats", 4_990), ("Шапка", "hats", 450))
FIELDS: Final[tuple[tuple[str, str, FieldType, list[str]], ...]] = (
    ("birthday", "Birthday", FieldType.DATE, []),
    ("loyalty_points", "Loyalty points", FieldType.NUMBER, []),
    ("average_discount", "Average discount", FieldType.DECIMAL, []),
    ("favourite_category", "Favourite category", FieldType.CHOICE, list(CATEGORIES)),
    ("interests", "Interests", FieldType.CHOICES, list(CATEGORIES)),
    ("club_member", "Club member", FieldType.BOOLEAN, []),
    ("shop_note", "Note of the shop", FieldType.TEXT, []),
)
TYPES: Final = {
    "pageView": "Page view",
    "productViewed": "Product viewed",
    "cartUpdated": "Cart updated",
    "login": "Login",
}
SEGMENTS: Final = (("Newsletter", 0.3), ("VIP customers", 0.02))


@dataclass
class Person:
    """One demo contact; ``contact_id`` once it is written."""

    record: dict[str, Any]
    plan: Plan
    came_at: datetime
    contact_id: int = 0
    identifiers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_anonymous(self) -> bool:
        return self.plan is DEVICE

    def named(self, rng: random.Random) -> dict[str, Any]:
        """How an event or order names them: by a device where there is one, else by what is sure to find them."""
        if self.identifiers and (self.is_anonymous or rng.random() < 0.6):
            return {"identifiers": [rng.choice(self.identifiers)]}
        return {"id": self.contact_id}


class Demo:
    """Makes people, writes them and lets them act; the same seed makes the same people on an empty database."""

    def __init__(self, count: int, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311  nothing secret
        self.count = count
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.first = Contact.objects.count()  # a second run makes other people
        self.people: list[Person] = []

    # People

    def make_fields(self) -> None:
        for key, label, kind, options in FIELDS:
            CustomField.objects.get_or_create(
                key=key, defaults={"label": label, "type": kind, "options": options, "group": "Shop"}
            )

    def make_people(self) -> None:
        """Those who stay, and beside them those who will be merged or deleted."""
        extra = self.count // 200 + self.count // 500 + 2
        self.people = [self.make_person(number) for number in range(self.count + extra)]
        self.people.sort(key=lambda person: person.came_at)
        self.share_households()

    def make_person(self, number: int) -> Person:
        rng, serial = self.rng, self.first + number
        came_at = self.now - timedelta(days=730 * rng.random() ** 1.5, hours=1)
        if number % 16 == 15:
            device = self.device(serial, "ios" if serial % 2 else "android")
            return Person({}, DEVICE, came_at, identifiers=[device])
        country = rng.choice(COUNTRIES)
        (first, first_latin), (last, last_latin) = rng.choice(country.names), rng.choice(country.surnames)
        record: dict[str, Any] = {"first_name": first, "last_name": last, "language_code": country.language}
        if number % 3:
            record["external_id"] = f"C-{serial:07}"
        has_email = rng.random() < 0.85
        if has_email:
            record["email"] = f"{first_latin}.{last_latin}{serial}@example.{rng.choice(('com', 'org', 'net'))}"
        if not has_email or rng.random() < 0.6:
            record["phone"] = country.phone.format(f"{serial * 7_919 % 10_000_000:07}")
        if rng.random() < 0.7:
            record.update(town=rng.choice(country.towns), time_zone=country.time_zone)
        record.update(self.custom_values())
        plan = rng.choice((API, API, API, IMPORT, SUBSCRIBE))
        return Person(record, plan, came_at, identifiers=list(self.devices(serial)))

    def custom_values(self) -> dict[str, Any]:
        rng = self.rng
        values: dict[str, Any] = {
            "birthday": f"{rng.randint(1950, 2008)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "loyalty_points": rng.randint(0, 5_000),
            "average_discount": f"{rng.random() * 30:.1f}",
            "favourite_category": rng.choice(CATEGORIES),
            "interests": rng.sample(CATEGORIES, rng.randint(1, 3)),
            "club_member": rng.random() < 0.4,
            "shop_note": rng.choice(("Prefers a call in the evening", "Любить знижки", "Größe 42", "")),
        }
        return {f"fields.{key}": value for key, value in values.items() if rng.random() < 0.5 and value != ""}

    def devices(self, serial: int) -> Iterator[dict[str, Any]]:
        if self.rng.random() < 0.25:
            yield self.device(serial, self.rng.choice(("ios", "android")))
            yield {"kind": "mobile_push", "app": "shop", "value": f"push-{serial:07}"}
        if self.rng.random() < 0.4:
            yield {"kind": "cookie", "value": f"cookie-{serial:07}"}

    def device(self, serial: int, system: str) -> dict[str, Any]:
        model = {"ios": "iPhone 16", "android": "Pixel 9"}[system]
        return {"kind": "device", "value": f"device-{serial:07}", "details": {"os": system, "model": model}}

    def share_households(self) -> None:
        """One in thirty gives the email or phone of somebody before; both have external IDs, so they stay two."""
        known: dict[str, list[Person]] = defaultdict(list)
        for person in self.people:
            for column in ("email", "phone"):
                if "external_id" not in person.record or column not in person.record:
                    continue
                if known[column] and self.rng.random() < 0.03:
                    person.record[column] = self.rng.choice(known[column]).record[column]
                    break
                known[column].append(person)

    def write_people(self) -> None:
        """In the order in which they came, each slice through its doors."""
        size = max(1, -(-len(self.people) // SLICES))
        for start in range(0, len(self.people), size):
            doors: dict[Plan, list[Person]] = defaultdict(list)
            for person in self.people[start : start + size]:
                doors[person.plan].append(person)
            for plan, people in doors.items():
                records = ({**person.record, "identifiers": person.identifiers} for person in people)
                outcomes = resolve(records, plan, by=BY, at=people[-1].came_at)
                for person, outcome in zip(people, outcomes, strict=True):
                    if outcome.contact_id is None:
                        raise CommandError(f"A demo contact was refused: {outcome.message}")
                    person.contact_id = outcome.contact_id

    # What they did

    def write_events(self) -> int:
        for key, name in TYPES.items():
            EventType.objects.get_or_create(key=key, defaults={"name": name})
        events = [self.event(person) for person in self.people for _ in range(self.rng.choice((0, 1, 2, 3, 6)))]
        return self.record(events, EVENT)

    def write_visitors(self) -> int:
        rng, events = self.rng, []
        for number in range(self.count // 10):
            named = {"identifiers": [{"kind": "cookie", "value": f"visitor-{self.first + number:07}"}]}
            events += [
                NewEvent("pageView", named, params={"page": rng.choice(PAGES)}, occurred_at=self.moment(60))
                for _ in range(rng.randint(1, 5))
            ]
        self.record(events, WEB_EVENT)
        return self.count // 10

    def record(self, events: list[NewEvent], plan: Plan) -> int:
        """As they would have come in: in the order of time, received when they occurred."""
        events.sort(key=lambda event: event.occurred_at or self.now)
        for batch in _cut(events):
            for outcome in record_events(batch, by=BY, at=batch[-1].occurred_at, plan=plan):
                if outcome.code:
                    raise CommandError(f"A demo event was refused: {outcome.message}")
        return len(events)

    def event(self, person: Person) -> NewEvent:
        kind = self.rng.choice(("pageView", "pageView", "productViewed", "cartUpdated", "login"))
        params: dict[str, Any] = {"page": self.rng.choice(PAGES)}
        if kind in ("productViewed", "cartUpdated"):
            name, category, price = self.rng.choice(GOODS)
            params = {"product": name, "category": category, "price": price}
        days = max(1, min(365, (self.now - person.came_at).days))
        return NewEvent(kind, person.named(self.rng), params=params, occurred_at=self.moment(days))

    def write_orders(self) -> int:
        buyers = [person for person in self.people if not person.is_anonymous and self.rng.random() < 0.35]
        orders = [self.order(person) for person in buyers for _ in range(self.rng.choice((1, 1, 2, 4)))]
        orders = [replace(order, number=f"N-{self.first + number:07}") for number, order in enumerate(orders)]
        self.record_orders(orders)
        # Half of what was begun went on to its end.
        done = [replace(order, status=self.rng.choice(("DELIVERED", "CANCELLED"))) for order in orders[::2]]
        self.record_orders(done)
        return len(orders)

    def record_orders(self, orders: list[NewOrder]) -> None:
        for outcome in record_orders(orders, by=BY):
            if outcome.code:
                raise CommandError(f"A demo order was refused: {outcome.message}")

    def order(self, person: Person) -> NewOrder:
        items: list[dict[str, Any]] = [
            {"externalItemId": str(1_000 + GOODS.index(good)), "name": good[0], "category": good[1],
             "quantity": self.rng.randint(1, 3), "cost": good[2]}
            for good in self.rng.sample(GOODS, self.rng.randint(1, 2))
        ]  # fmt: skip
        total = Decimal(sum(item["quantity"] * item["cost"] for item in items))
        status = self.rng.choice(OrderStatus.values)
        named = {"id": person.contact_id}
        return NewOrder("", named, status, total, "UAH", self.moment(365), items, {"deliveryMethod": "post"}, "online")

    def moment(self, days: int) -> datetime:
        """Some moment of the last ``days``, never in the future."""
        return self.now - timedelta(seconds=self.rng.randint(60, days * 86_400))

    # What became of some

    def unsubscribe_some(self) -> None:
        emails = [person.record["email"] for person in self.people if "email" in person.record]
        chosen = self.rng.sample(emails, len(emails) // 30)
        middle = len(chosen) * 4 // 5
        suppress_addresses(chosen[:middle], ChannelState.UNSUBSCRIBED, by=BY, reason="unsubscribed by link")
        suppress_addresses(chosen[middle:], ChannelState.BOUNCED, by=BY, reason="mailbox does not exist")

    def merge_and_delete_some(self) -> tuple[int, int]:
        """As many as were made beside the wanted number, so that this number stays active."""
        known = [person for person in self.people if not person.is_anonymous]
        spare = self.rng.sample(known, min(len(self.people) - self.count, len(known)))
        merged = min(self.count // 500 + 1, len(spare), len(known) - len(spare))
        gone = {person.contact_id for person in spare}
        survivors = [person for person in known if person.contact_id not in gone]
        for loser, survivor in zip(spare[:merged], self.rng.sample(survivors, merged), strict=True):
            merge_contacts(survivor.contact_id, loser.contact_id, by=BY)
        delete_contacts([person.contact_id for person in spare[merged:]], by=BY)
        self.people = [person for person in self.people if person.contact_id not in gone]
        return merged, len(spare) - merged

    def fill_segments(self) -> None:
        known = [person.contact_id for person in self.people if not person.is_anonymous]
        for name, share in SEGMENTS:
            chosen = self.rng.sample(known, min(len(known), max(1, int(len(known) * share))))
            populations.current().add(name, chosen, by=BY)


def _cut(items: list[NewEvent]) -> Iterable[list[NewEvent]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


class Command(BaseCommand):
    help = "Make demo contacts with identifiers, events, orders, visitors, merges and segments."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contacts", type=int, default=10_000, help="active contacts to make (10,000)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same people (1)")

    def handle(self, *, contacts: int, seed: int, **options: Any) -> None:
        if contacts < 1:
            raise CommandError("Ask for at least one contact.")
        started = time.monotonic()
        demo = Demo(contacts, seed)
        demo.make_fields()
        demo.make_people()
        demo.write_people()
        events, visitors, orders = demo.write_events(), demo.write_visitors(), demo.write_orders()
        demo.unsubscribe_some()
        merged, deleted = demo.merge_and_delete_some()
        demo.fill_segments()
        refresh_statistics()
        if options["verbosity"]:
            self.stdout.write(
                f"Made {len(demo.people)} contacts, {events} events, {orders} orders and {visitors} visitors;"
                f" {merged} more were merged, {deleted} deleted. It took {time.monotonic() - started:.1f} s."
            )
