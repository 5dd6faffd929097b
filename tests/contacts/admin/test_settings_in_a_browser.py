"""A person goes through the settings: a look at what would change, options, a type, a field that goes; no barriers."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.activity import WEB_EVENT, NewEvent, record_events
from contacts.identity import resolve
from contacts.identity.settings import forget_settings
from contacts.identity.types import API
from contacts.models import Account, Contact, CustomField, Policy, SubscriptionCategory
from contacts.retention import apply_retention

pytestmark = pytest.mark.django_db(transaction=True)

AXE = Path(__file__).parents[3] / ".venv/node_modules/axe-core/axe.min.js"
INTO = os.environ.get("PICTURES_INTO", "")
KEPT = ("landing-dark", "policy", "options", "type-narrow", "retention-runs")
"""Pictures of docs/settings.md; with ``PICTURES=all`` there is one of every page, light, dark and narrow."""
PEOPLE = (("olena", "Gold", "042"), ("bohdan", "Silver", "7"), ("taras", "Silver", "12"), ("nina", "Bronze", "large"))


@pytest.fixture
def people(transactional_db: None) -> Any:
    forget_settings()
    Account.objects.all().delete()
    Account.objects.create(name="Bookshop", time_zone="Europe/Kyiv", languages=["uk", "en"])
    CustomField.objects.create(
        key="tier", label="Tier", type="choice", group="Loyalty", options=["Gold", "Silver", "Bronze"]
    )
    CustomField.objects.create(key="visits", label="Visits")
    CustomField.objects.create(key="card", label="Card", group="Loyalty", can_be_key=True)
    SubscriptionCategory.objects.create(key="newsletter", name="Weekly news", is_default=True)
    for number, (name, tier, visits) in enumerate(PEOPLE):
        record = {"first_name": name.capitalize(), "fields.tier": tier, "fields.visits": visits}
        resolve([{"email": f"{name}@example.com", **record}], API, by="user:1")
        resolve([{"email": f"{name}@example.com", "external_id": f"SHOP-{number:060}"}], API, by="user:1")
    yield
    forget_settings()


@pytest.fixture
def look(admin_page: Any) -> Callable[..., None]:
    """``look("policy")``: axe finds nothing, in light and in dark; a picture, where one is asked for."""

    def find_barriers() -> list[str]:
        if not AXE.exists():
            return []
        admin_page.evaluate(AXE.read_text())
        found = admin_page.evaluate("axe.run('#content-main, #content')")
        return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

    def look(name: str, *, dark: bool = True) -> None:
        found = find_barriers()
        take(name)
        admin_page.evaluate("document.documentElement.classList.add('dark')")
        found += find_barriers() if dark else []
        take(f"{name}-dark")
        admin_page.evaluate("document.documentElement.classList.remove('dark')")
        assert found == []

    def take(name: str) -> None:
        snap(name)
        if INTO and not name.endswith("dark"):
            admin_page.set_viewport_size({"width": 390, "height": 844})
            snap(f"{name}-narrow")
            admin_page.set_viewport_size({"width": 1280, "height": 900})

    def snap(name: str) -> None:
        if INTO and (name in KEPT or os.environ.get("PICTURES") == "all"):
            admin_page.screenshot(path=f"{INTO}/settings-{name}.png", full_page=True)

    return look


def test_a_person_goes_through_the_settings(admin_page: Any, people: Any, look: Any, run_jobs: Any) -> None:
    page = admin_page

    # 1. All groups on one page; from there to the policy: what would change, before it is saved.
    page.goto("/admin/contacts/account/settings/")
    page.get_by_role("heading", name="Custom fields").wait_for()
    look("landing")
    page.get_by_role("link", name="Identity policy").last.click()
    page.get_by_label("Longest external ID").fill("50")
    page.get_by_text("an external ID attaches to a contact found by email or phone", exact=False).first.click()
    page.get_by_role("button", name="See what would change").click()
    page.get_by_text("4 contacts have a longer external ID.").wait_for()
    page.get_by_text("4 times a contact found by email or phone got an external ID").wait_for()
    look("policy")
    assert not Policy.objects.exists()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The policy was saved and is in force.").wait_for()
    assert Policy.objects.get().external_id_max_length == 50

    # 2. Options: one is renamed, one goes, the order changes by keyboard.
    page.goto("/admin/contacts/customfield/")
    page.get_by_role("link", name="Tier").click()
    page.get_by_label("Option “Silver”").fill("Second")
    page.get_by_label("Option “Silver”").locator("xpath=..").get_by_role("button", name="Move up").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Option “Bronze”").locator("xpath=..").get_by_role("button", name="Take out").click()
    look("options")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("“Silver” becomes “Second”. Contacts that have it: 2.").wait_for()
    page.get_by_label("Take “Bronze” off these contacts too").check()
    look("touched")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("heading", name="Values of “Tier” follow its options").first.wait_for()
    look("work", dark=False)
    run_jobs()
    page.get_by_text("Done. Values changed: 3.").wait_for()
    assert CustomField.objects.get(key="tier").options == ["Second", "Gold"]

    # 3. Another type: what stands in the way is listed, corrected, and then it is done.
    page.goto("/admin/contacts/customfield/")
    page.get_by_role("link", name="Visits").click()
    page.get_by_role("link", name="Change the type").click()
    page.get_by_label("New type").select_option("number")
    page.get_by_role("button", name="Look whether the values fit").click()
    page.get_by_role("heading", name="Not every value can be read as “number”").wait_for()
    look("type")
    nina = Contact.objects.get(first_name="Nina")
    resolve([{"id": nina.pk, "fields.visits": "3"}], API, by="user:1")
    page.get_by_role("button", name="Look whether the values fit").click()
    page.get_by_role("button", name="Change the type").click()
    page.get_by_role("heading", name="“Visits” gets another type").first.wait_for()
    run_jobs()
    page.get_by_text("Done. Values changed: 4.").wait_for()
    assert Contact.objects.get(pk=nina.pk).attributes["visits"] == 3

    # 4. A field goes, deliberately.
    page.get_by_role("link", name="To the field").click()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("To be sure, write its key: visits").fill("visits")
    look("remove")
    page.get_by_role("button", name="Delete the field").click()
    run_jobs()
    page.get_by_text("Done. Values changed: 4.").wait_for()
    assert not CustomField.objects.filter(key="visits").exists()

    # 5. Retention, the account, junk that somebody has, a category, a key.
    page.goto("/admin/contacts/policy/retention/")
    page.get_by_label("Changes are kept").fill("90")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Count what would go tonight").click()
    page.get_by_text("This would go tonight:").wait_for()
    look("retention")
    go_by_night()
    page.goto("/admin/contacts/policy/retention/")
    page.get_by_text("visitors: 1, events: 3, identifiers: 1").first.wait_for()
    look("retention-runs")
    page.goto("/admin/contacts/account/")
    look("account", dark=False)
    page.goto("/admin/contacts/junkvalue/add/")
    page.get_by_label("Value or pattern").fill("olena@example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("1 identifier has it now.").wait_for()
    look("junk", dark=False)
    page.goto("/admin/contacts/customfield/")
    page.get_by_role("link", name="Card", exact=True).click()
    page.get_by_role("link", name="Take that back").click()
    page.get_by_role("heading", name="Match nobody by this field any more?").wait_for()
    look("key", dark=False)
    page.goto(f"/admin/contacts/subscriptioncategory/{SubscriptionCategory.objects.get().pk}/change/")
    look("category", dark=False)


def go_by_night() -> None:
    """A visitor of long ago is erased, and somebody looks at the next night's report."""
    long_ago = datetime.now(UTC) - timedelta(days=200)
    visit = NewEvent("pageView", {"identifiers": [{"kind": "cookie", "value": "visitor-of-long-ago"}]})
    record_events([visit] * 3, by="tracker:web", at=long_ago, plan=WEB_EVENT)
    apply_retention(by="rule:retention", at=datetime.now(UTC) - timedelta(days=1))
    apply_retention(by="rule:retention")
