"""The script in Chromium, on pages of a shop that is on another origin than ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.identity.settings import forget_settings
from contacts.keys import Kind
from contacts.models import Contact, CustomField, Event, Identifier, Site
from contacts.tracking.web.script import build_script
from tests.conftest import BROWSER_FLAGS, BROWSERS
from tests.contacts.tracking.web.shop import Shop, eventually, open_shop
from tests.people import OLENA

pytestmark = pytest.mark.django_db(transaction=True)

Look = Callable[..., Any]


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    forget_settings()
    yield Site.objects.create(name="Shop", origins=["https://shop.example.com"])
    forget_settings()


@pytest.fixture
def shop(site: Site, live_server: Any) -> Iterator[Shop]:
    with open_shop(f"{live_server.url}/web/{site.key}.js") as shop:
        site.origins = [shop.url]
        site.save()
        yield shop


@pytest.fixture
def look(browser: Any) -> Iterator[Look]:
    """``look(address)`` opens a page, in one browser for the whole test; what breaks in a page fails the test."""
    context, troubles = browser.new_context(), []
    context.set_default_timeout(30_000)

    def look(address: str = "about:blank") -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(address)
        return page

    yield look
    context.close()
    assert troubles == []


def set_switch(site: Site, **switches: Any) -> None:
    for name, value in switches.items():
        setattr(site, name, value)
    site.save(update_fields=list(switches))


def types_stored() -> list[str]:
    from contacts.models import EventType

    # The events first: one of a type just made may come between the two.
    stored = list(Event.objects.order_by("occurred_at", "id").values_list("type_id", flat=True))
    names = dict(EventType.objects.values_list("pk", "key"))
    return [names[pk] for pk in stored]


def cookie_of(page: Any) -> dict[str, Any] | None:
    return next((dict(cookie) for cookie in page.context.cookies() if cookie["name"] == "_cf"), None)


def stored_in(page: Any) -> list[Any]:
    text = page.evaluate("Object.entries(localStorage).filter(([key]) => key.startsWith('_cf')).map(([, v]) => v)[0]")
    return json.loads(text or "[]")


def is_loaded(page: Any) -> bool:
    return bool(page.evaluate("!!(window.cardfile && cardfile.isOn)"))


def test_a_visitor_looks_around_signs_up_and_the_history_stands_on_the_sheet(
    shop: Shop, look: Look, admin_page: Any
) -> None:
    CustomField.objects.create(key="size", label="Size")

    # 1. Nobody knows who it is: there is a number, and no contact.
    page = look(f"{shop.url}/?utm=mail#top")
    page.evaluate("cardfile('event', 'addToCart', {product: 'B-7'})")
    eventually(page, lambda: types_stored() == ["pageView", "addToCart"])
    visitor = Identifier.objects.get(kind=Kind.COOKIE)
    assert visitor.value == page.evaluate("cardfile('visitor')") == page.locator("[name=visitor]").input_value()
    assert not Contact.objects.exists()
    viewed = Event.objects.order_by("occurred_at", "id")[0]
    assert viewed.params == {"url": f"{shop.url}/?utm=mail", "title": "Home", "referrer": ""}
    cookie = cookie_of(page)
    assert cookie is not None
    assert (cookie["sameSite"], cookie["httpOnly"], cookie["domain"]) == ("Lax", False, "127.0.0.1")
    lasts = datetime.fromtimestamp(cookie["expires"], UTC) - datetime.now(UTC)
    assert lasts > timedelta(days=390)  # two years, of which browsers leave 400 days

    # 2. Pages that change without being loaded, and one that is.
    page.evaluate("history.pushState({}, '', '/shoes'); document.title = 'Shoes'")
    page.evaluate("history.replaceState({}, '', '/shoes')")
    eventually(page, lambda: len(types_stored()) == 3)
    page.get_by_role("link", name="Boots").click()
    eventually(page, lambda: len(types_stored()) == 4)
    pages = [event.params["title"] for event in Event.objects.order_by("occurred_at", "id") if "title" in event.params]
    assert pages == ["Home", "Shoes", "Boots"]

    # 3. A form that is marked; the password is not looked at.
    page.get_by_label("Email").fill(OLENA)
    page.get_by_label("First name").fill("Olena")
    page.get_by_label("Size").fill("38")
    page.get_by_label("Password").fill("380501112233")
    page.get_by_role("button", name="Sign up").click()
    eventually(page, lambda: Contact.objects.exists() and len(types_stored()) == 5)
    olena = Contact.objects.get()
    assert (olena.email, olena.first_name, olena.phone, olena.attributes) == (OLENA, "Olena", None, {"size": "38"})
    assert f"visitor={visitor.value}" in page.url
    eventually(page, lambda: set(Event.objects.values_list("contact_id", flat=True)) == {olena.pk})

    # 4. On the sheet.
    admin_page.goto(f"/admin/contacts/contact/{olena.pk}/change/")
    admin_page.get_by_role("tab", name="Activity").click()
    panel = admin_page.get_by_role("tabpanel", name="Activity")
    panel.get_by_text("Add to cart").first.wait_for()
    assert panel.get_by_text("Page view").count() >= 4


def test_a_call_may_come_before_the_script_and_identify_without_a_form(shop: Shop, look: Look) -> None:
    page = look()
    page.add_init_script(
        "window.cardfile = function () { (cardfile.q = cardfile.q || []).push(arguments) };"
        "cardfile('event', 'early'); cardfile('identify', {email: 'olena@example.com', lastName: 'Koval'});"
    )

    page.goto(shop.url)

    eventually(page, lambda: Contact.objects.exists() and len(types_stored()) == 2)
    assert Contact.objects.get().last_name == "Koval"
    assert types_stored() == ["pageView", "early"]


def test_what_happens_as_the_page_goes_arrives(shop: Shop, look: Look) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])

    page.evaluate("cardfile('event', 'last'); location.href = 'about:blank'")

    eventually(page, lambda: types_stored() == ["pageView", "last"])


def test_what_we_could_not_take_as_the_page_went_is_sent_by_the_next_one_and_stored_once(
    shop: Shop, look: Look, settings: Any
) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])
    settings.WEB_CALLS_A_SECOND = 0
    page.evaluate("cardfile('event', 'refused'); location.href = 'about:blank'")
    page.wait_for_url("about:blank")
    page.wait_for_timeout(500)
    assert types_stored() == ["pageView"]
    settings.WEB_CALLS_A_SECOND = 200

    page.goto(shop.url)
    page.evaluate("cardfile('event', 'last'); location.href = 'about:blank'")
    page.wait_for_url("about:blank")
    eventually(page, lambda: "last" in types_stored())
    page.goto(shop.url)

    eventually(page, lambda: len(types_stored()) == 5 and stored_in(page) == [])
    assert sorted(types_stored()) == ["last", "pageView", "pageView", "pageView", "refused"]


def test_where_cookies_are_blocked_events_arrive_of_a_visitor_of_one_page(
    shop: Shop, open_with: Callable[..., Any]
) -> None:
    page = open_with({"profile": {"default_content_setting_values": {"cookies": 2}}})

    page.goto(shop.url)
    page.evaluate("cardfile('event', 'addToCart')")

    eventually(page, lambda: types_stored() == ["pageView", "addToCart"])
    assert page.evaluate("(() => { try { return localStorage.length } catch (error) { return error.name } })()") == (
        "SecurityError"
    )
    assert cookie_of(page) is None
    assert Identifier.objects.get().value == page.evaluate("cardfile('visitor')")


def test_whoever_does_not_want_to_be_tracked_is_not(shop: Shop, open_with: Callable[..., Any]) -> None:
    page = open_with({"enable_do_not_track": True})

    page.goto(shop.url)
    eventually(page, lambda: is_loaded(page))
    page.evaluate("cardfile('event', 'addToCart'); cardfile('consent', true); cardfile('identify', {email: 'a@b.com'})")
    page.wait_for_timeout(500)

    assert page.evaluate("navigator.doNotTrack") == "1"
    assert cookie_of(page) is None
    assert page.evaluate("localStorage.length") == 0
    assert not Identifier.objects.exists()


def test_global_privacy_control_counts_the_same(shop: Shop, look: Look) -> None:
    page = look()
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")

    page.goto(shop.url)
    eventually(page, lambda: is_loaded(page))
    page.wait_for_timeout(500)

    assert cookie_of(page) is None
    assert not Event.objects.exists()


def test_what_happens_offline_is_sent_once_there_is_a_connection(shop: Shop, look: Look) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])
    page.context.set_offline(True)

    page.evaluate("cardfile('event', 'offline 1'); cardfile('event', 'offline 2')")
    eventually(page, lambda: len(stored_in(page)) == 2)
    assert types_stored() == ["pageView"]
    page.context.set_offline(False)

    eventually(page, lambda: types_stored() == ["pageView", "offline 1", "offline 2"])
    eventually(page, lambda: stored_in(page) == [])


def test_what_a_page_left_behind_offline_is_sent_by_the_next_page(shop: Shop, look: Look) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])
    page.context.set_offline(True)
    page.evaluate("cardfile('event', 'offline'); cardfile('identify', {email: 'olena@example.com'})")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.wait_for_timeout(300)
    assert types_stored() == ["pageView"]

    page.goto(f"{shop.url}/boots")

    eventually(page, lambda: types_stored() == ["pageView", "offline", "pageView"])
    eventually(page, Contact.objects.exists)
    assert set(Event.objects.values_list("contact_id", flat=True)) == {Contact.objects.get().pk}


def test_what_we_could_not_take_is_kept_and_stored_once(shop: Shop, look: Look, settings: Any) -> None:
    settings.WEB_CALLS_A_SECOND = 0
    page = look(shop.url)
    eventually(page, lambda: len(stored_in(page)) == 1)
    page.wait_for_timeout(500)
    assert len(stored_in(page)) == 1
    assert not Event.objects.exists()
    settings.WEB_CALLS_A_SECOND = 200
    another = look(f"{shop.url}/boots")  # two pages send the same

    eventually(another, lambda: types_stored() == ["pageView", "pageView"])
    eventually(another, lambda: stored_in(another) == [])
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(500)
    assert types_stored() == ["pageView", "pageView"]


def test_so_much_waits_and_no_more(shop: Shop, look: Look) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])
    page.context.set_offline(True)

    page.evaluate("for (let n = 0; n < 250; n++) cardfile('event', 'n' + n, {text: 'x'.repeat(100)})")
    page.evaluate("cardfile('event', 'too large', {text: 'x'.repeat(30000)})")

    waiting = [item["body"]["eventTypeKey"] for item in stored_in(page)]
    assert (len(waiting), waiting[0], waiting[-1]) == (200, "n50", "n249")
    page.context.set_offline(False)
    eventually(page, lambda: Event.objects.count() == 201)


def test_before_consent_nothing_is_sent_or_stored_and_after_it_what_waited_too(
    shop: Shop, site: Site, look: Look
) -> None:
    set_switch(site, needs_consent=True)
    page = look(shop.url)
    eventually(page, lambda: is_loaded(page))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.evaluate("cardfile('event', 'addToCart')")
    page.wait_for_timeout(500)
    assert (sent, cookie_of(page), page.evaluate("localStorage.length"), page.evaluate("cardfile('visitor')")) == (
        [],
        None,
        0,
        "",
    )

    page.evaluate("cardfile('consent', true)")

    eventually(page, lambda: types_stored() == ["pageView", "addToCart"])
    page.goto(f"{shop.url}/boots")
    eventually(page, lambda: types_stored() == ["pageView", "addToCart", "pageView"])
    assert Identifier.objects.count() == 1

    page.evaluate("cardfile('consent', false); cardfile('event', 'unwanted')")
    page.goto(f"{shop.url}/shoes")
    page.wait_for_timeout(500)
    assert cookie_of(page) is None
    assert page.evaluate("localStorage.length") == 0
    assert len(types_stored()) == 3


def test_who_said_no_stays_untracked_on_the_next_page(shop: Shop, look: Look) -> None:
    page = look(shop.url)
    eventually(page, lambda: types_stored() == ["pageView"])

    page.evaluate("cardfile('consent', false)")
    page.goto(f"{shop.url}/boots")
    page.wait_for_timeout(500)

    assert cookie_of(page)["value"] == "0"  # type: ignore[index]
    assert types_stored() == ["pageView"]
    page.evaluate("cardfile('consent', true); cardfile('event', 'again')")
    eventually(page, lambda: types_stored() == ["pageView", "again"])
    assert Identifier.objects.count() == 2  # somebody new: the old ID is gone


def test_a_page_of_another_origin_gets_nothing_in_and_goes_on(shop: Shop, site: Site, look: Look) -> None:
    set_switch(site, origins=["https://shop.example.com"])

    page = look(shop.url)
    page.evaluate("cardfile('event', 'addToCart'); cardfile('nothing'); cardfile('identify'); cardfile()")
    page.get_by_role("link", name="Boots").click()
    page.wait_for_timeout(500)

    assert page.title() == "Boots"
    assert not Identifier.objects.exists()
    site.refresh_from_db()
    assert site.last_event_at is None


def test_the_page_has_one_global_more(shop: Shop, look: Look) -> None:
    names = "Object.getOwnPropertyNames(window).sort()"
    snippet, shop.snippet = shop.snippet, ""
    before = look(shop.url).evaluate(names)
    shop.snippet = snippet
    page = look(shop.url)
    eventually(page, lambda: is_loaded(page))

    assert set(page.evaluate(names)) - set(before) == {"cardfile"}


def test_on_https_the_cookie_is_secure_and_subdomains_share_it(site: Site, browser: Any) -> None:
    """The network is played here: a certificate for the shop is not to be had."""
    set_switch(site, origins=["https://*.example.com"])
    context = browser.new_context()
    page, html = context.new_page(), '<!doctype html><script src="https://crm.example.org/web/x.js"></script>'
    context.route("https://shop.example.com/", lambda route: route.fulfill(body=html, content_type="text/html"))
    script = build_script(site)
    context.route(
        "https://crm.example.org/**", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )

    page.goto("https://shop.example.com/")

    cookie = cookie_of(page)
    assert cookie is not None
    assert (cookie["secure"], cookie["domain"], cookie["sameSite"]) == (True, ".example.com", "Lax")
    context.close()


@pytest.fixture
def open_with(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``open_with(preferences)``: a page of a browser in which a person chose this in the settings."""
    opened: list[Any] = []

    def open_with(preferences: dict[str, Any]) -> Any:
        folder = tmp_path / "profile" / "Default"
        folder.mkdir(parents=True)
        (folder / "Preferences").write_text(json.dumps(preferences))
        executable = next(found for name in BROWSERS if (found := shutil.which(name)))
        context = browser.browser_type.launch_persistent_context(
            folder.parent, executable_path=executable, args=BROWSER_FLAGS, timeout=60_000
        )
        opened.append(context)
        return context.pages[0]

    yield open_with
    for context in opened:
        context.close()
