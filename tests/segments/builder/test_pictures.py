"""The pictures of docs/segments.md, taken with ``PICTURES_INTO=docs/images`` of an account of a lifelike size."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.models import ChannelState, Contact, CustomField, Order
from segments.catalogue import save_segment
from segments.models import Segment
from tests.segments.builder.conftest import Builder
from tests.segments.people import NOW
from tests.segments.table import ask

INTO = os.environ.get("PICTURES_INTO", "")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not INTO, reason="pictures are taken by `make pictures`"),
]

CROWD = 48_000
NAMES = ("Olena", "Bohdan", "Taras", "Oksana", "Nina", "Iryna", "Andriy", "Marta")
SURNAMES = ("Kovalenko", "Melnyk", "Shevchuk", "Bondar", "Tkachenko", "Lysenko", "Rudenko")
TOWNS = ("Lviv", "Kyiv", "Odesa", "Dnipro", "Kharkiv")
STATES = (ChannelState.ACTIVE, ChannelState.ACTIVE, ChannelState.UNCONFIRMED, ChannelState.UNSUBSCRIBED)

BEFORE = {
    "version": 1,
    "match": {
        "all": [
            ask("town", "is_one_of", ["Lviv", "Odesa"]),
            {"any": [ask("fields.tier", "is_one_of", ["gold"]), ask("fields.visits", "at_least", 10)]},
            ask("created_at", "in_last", [2, "years"]),
        ]
    },
    "exclude": {"any": [ask("email_state", "is_one_of", ["unsubscribed"])]},
}


def make_crowd() -> None:
    CustomField.objects.create(key="visits", label="Visits", type="number")
    CustomField.objects.create(key="tier", label="Tier", type="choice", options=["gold", "silver", "bronze"])
    Contact.objects.bulk_create(make_contact(number) for number in range(CROWD))
    first = Contact.objects.order_by("pk").first()
    assert first is not None
    Order.objects.bulk_create(make_order(first.pk + number * 3, number) for number in range(CROWD // 3))


def make_contact(number: int) -> Contact:
    name, surname = NAMES[number * 7 % 8], SURNAMES[number * 5 % 7]
    return Contact(
        first_name=name,
        last_name=surname,
        email=f"{name}.{surname}{number}@example.com".lower(),
        email_state=STATES[number % 11 % 4],
        town=TOWNS[number * 3 % 13 % 5],
        attributes={"visits": number * 17 % 23, "tier": ("gold", "silver", "bronze")[number % 9 % 3]},
        created_at=NOW - timedelta(days=number % 900),
        updated_at=NOW,
    )


def make_order(contact_id: int, number: int) -> Order:
    return Order(
        contact_id=contact_id,
        external_order_id=f"O-{number}",
        status="DELIVERED",
        total_cost=number % 300,
        currency="UAH",
        ordered_at=NOW - timedelta(days=number % 200),
        updated_at=NOW,
    )


def test_pictures(builder: Builder, transactional_db: None) -> None:
    make_crowd()
    page = builder.open(save_segment(Segment(name="Good customers", definition=BEFORE))).page

    def take(name: str, *, of: Any = page, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", dark)
        page.evaluate("document.querySelector('segment-builder').scrollIntoView()")
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(1_000)
        of.screenshot(path=str(Path(INTO) / f"segment-{name}.png"))

    builder.add("Condition")
    bought = builder.node(3)
    builder.choose(bought, "field", "orders")
    bought.get_by_label("What is asked").select_option(label="sum")
    builder.choose(bought, "of", "total")
    bought.locator("[data-part=op]").select_option(label="≥")
    bought.locator("[data-part=value]").fill("200")
    bought.get_by_role("button", name="Period").click()
    bought.locator("[data-part=period-value]").fill("90")
    builder.node(0).get_by_role("button", name="Remove “Odesa”").click()
    builder.node(0).locator("[data-part=value]").fill("Dnipro")
    builder.press("Enter", "Escape")
    page.get_by_text("contacts leave").wait_for()

    take("builder", height=1_000)
    take("joins", of=page.locator(".sb-panel"), height=1_400)
    take("builder-dark", dark=True, height=1_000)
    take("builder-narrow", width=390, height=844)
