"""The pictures of docs/sheets.md, taken with ``PICTURES_INTO=docs/images``, of somebody who has bought for a while."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts import populations
from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import merge_contacts, resolve, resolve_one, suppress_addresses
from contacts.identity.types import API, EVENT, IMPORT
from contacts.models import ChannelState, CustomField, EventType, FieldType, Import, ImportStatus
from crm.api.keys import create_api_key
from segments.catalogue import save_segment
from segments.models import Segment
from tests.segments.table import ask, define

INTO = os.environ.get("PICTURES_INTO", "")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not INTO, reason="pictures are taken by `make pictures`"),
]

NOW = datetime.now(UTC).replace(microsecond=0)
MINE = {"external_id": "C-0004812"}
FIELDS = (
    ("birthday", "Birthday", FieldType.DATE, "Club", []),
    ("tier", "Tier", FieldType.CHOICE, "Club", ["gold", "silver"]),
    ("points", "Points", FieldType.NUMBER, "Club", []),
    ("interests", "Interests", FieldType.CHOICES, "Shop", ["boots", "coats", "hats", "bags"]),
    ("size", "Shoe size", FieldType.DECIMAL, "Shop", []),
    ("note", "Note of the shop", FieldType.LONG_TEXT, "Shop", []),
)
VISITS = (
    ("pageView", {"page": "/boots"}, 0.1),
    ("productViewed", {"product": "Boots “Carpathian”", "category": "boots", "price": 2499}, 0.1),
    ("pageView", {"page": "/delivery"}, 1.2),
    ("pageView", {"page": "/sale"}, 9),
    ("productViewed", {"product": "Wool coat", "category": "coats", "price": 4990}, 20),
)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def make_customer(by: str) -> int:
    for key, label, kind, group, options in FIELDS:
        CustomField.objects.create(key=key, label=label, type=kind, group=group, options=options)
    for key, name in (("pageView", "Page view"), ("productViewed", "Product viewed"), ("login", "Login")):
        EventType.objects.create(key=key, name=name)
    record = {
        **MINE,
        "email": "olena.kovalenko@example.com",
        "phone": "+380501112233",
        "first_name": "Olena",
        "last_name": "Kovalenko",
        "language_code": "uk",
        "time_zone": "Europe/Kyiv",
        "town": "Lviv",
        "identifiers": [
            {"kind": "mobile_push", "app": "shop", "value": "fcm-9f31c7"},
            {"kind": "cookie", "value": "c-77f0b2"},
        ],
    }
    shop = f"key:{create_api_key('Web shop', scope='full')[0].pk}"
    olena = resolve_one(record, API, by=shop, at=ago(400)).contact_id
    other = resolve_one({"external_id": "C-0009977", "first_name": "Lena"}, API, by=shop, at=ago(200)).contact_id
    assert olena is not None
    assert other is not None
    merge_contacts(olena, other, by=by, at=ago(30))
    fill_fields(by)
    let_act()
    populations.current().add("Newsletter", [olena], by=by)
    save_segment(Segment(name="Customers in Lviv", definition=define(ask("town", "is", "Lviv"))))
    save_segment(Segment(name="Gold", definition=define(ask("fields.tier", "is", "gold"))))
    return olena


def fill_fields(by: str) -> None:
    run = Import.objects.create(
        file_name="club-autumn.csv", by="user:1", status=ImportStatus.FINISHED, started_at=ago(9)
    )
    club = {"fields.tier": "gold", "fields.points": 1240, "fields.birthday": "1990-05-14"}
    resolve([{**MINE, **club}], replace(IMPORT, import_id=run.pk), by=f"import:{run.pk}", at=ago(9))
    shop = {"fields.interests": ["boots", "coats"], "fields.size": "38.5", "town": "Lviv", "postcode": "79000"}
    resolve([{**MINE, **shop}], API, by=by, at=ago(2))


def let_act() -> None:
    for key, params, days in VISITS:
        record_events([NewEvent(key, MINE, params=params, occurred_at=ago(days))], by="key:1", plan=WEB_EVENT)
    record_events([NewEvent("login", MINE, occurred_at=ago(1.3))], by="key:1", plan=EVENT)
    items = [
        {"name": "Boots “Carpathian”", "quantity": 1, "cost": 2499},
        {"name": "Wool socks", "quantity": 2, "cost": 190},
    ]
    bought = NewOrder("N-20517", MINE, "DELIVERED", 2879, "UAH", ago(12), items, {"deliveryMethod": "post"}, "online")
    record_orders([replace(bought, status="IN_PROGRESS")], by="key:1", at=ago(12))
    record_orders([bought], by="key:1", at=ago(10))
    record_orders([NewOrder("N-18002", MINE, "DELIVERED", "64.50", "EUR", ago(150))], by="key:1", at=ago(150))


def test_pictures(admin_page: Any, admin_user: Any, stage: Any) -> None:
    admin_user.first_name, admin_user.last_name = "Ayşe", "Yılmaz"
    admin_user.save()
    me = f"user:{admin_user.pk}"
    olena = make_customer(me)
    suppress_addresses(["+380501112233"], ChannelState.UNSUBSCRIBED, by=me, at=ago(1))
    page = admin_page

    def take(name: str, *, of: Any = page, dark: bool = False, width: int = 1280, height: int = 860) -> None:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", dark)
        page.mouse.move(0, 0)
        page.wait_for_timeout(800)
        of.screenshot(path=str(Path(INTO) / f"{name}.png"))

    def open_tab(tab: str) -> None:
        page.goto("about:blank")
        page.goto(f"/admin/contacts/contact/{olena}/change/#{tab}")
        page.locator(f"#panel-{tab} :is(label, article, h2)").first.wait_for()
        page.locator("[data-asking]").wait_for(state="detached")

    open_tab("general")
    take("sheet")
    open_tab("custom")
    take("sheet-dark", dark=True, height=760)
    open_tab("activity")
    take("sheet-narrow", width=390, height=1_000)
    page.set_viewport_size({"width": 1280, "height": 1_100})
    page.get_by_text("2 items").click()
    take("sheet-activity", of=page.locator("#panel-activity"), height=1_100)
    open_tab("general")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("Town").fill("Odesa")
    resolve([{**MINE, "town": "Kyiv", "region": "Kyiv"}], API, by=me)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Keep mine").wait_for()
    take("sheet-meanwhile", height=900)
