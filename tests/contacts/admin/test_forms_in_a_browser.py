"""A form is made in the back office, copied into another page, filled in there and at its own address.

With ``PICTURES_INTO=docs/images`` it takes the pictures of docs/subscribing.md; with ``PICTURES=all`` one of every
page, light, dark and narrow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contacts.identity.settings import forget_settings
from contacts.models import (
    Account,
    ChannelState,
    Contact,
    CustomField,
    Event,
    Site,
    SubscriptionCategory,
    SubscriptionForm,
)
from segments.models import Segment
from tests.barriers import find_barriers, find_in_both_themes
from tests.contacts.tracking.web.shop import eventually, open_shop
from tests.looking import take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(transactional_db: None) -> Iterator[None]:
    forget_settings()
    Account.objects.all().delete()
    Account.objects.create(name="Bookshop")
    CustomField.objects.create(key="genre", label="Genre", type="choice", options=["Novels", "Poems"])
    SubscriptionCategory.objects.create(key="news", name="Weekly news")
    Segment.objects.create(name="Letter readers", type="static")
    yield
    forget_settings()


@pytest.fixture
def other_site() -> Iterator[Callable[[str], str]]:
    """``other_site(html)`` is the address of a page with this in it, on another origin."""
    pages = [""]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[0].encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def publish(html: str) -> str:
        pages[0] = f'<!doctype html><html lang="en"><title>Shop</title><body>{html}</body></html>'
        return f"http://127.0.0.1:{server.server_port}/"

    yield publish
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_form_is_made_copied_and_filled_in(
    admin_page: Any, account: Any, other_site: Any, browser: Any, settings: Any
) -> None:
    page = admin_page
    page.goto("/admin/contacts/subscriptionform/add/")
    page.locator("#id_name").fill("Letter in the footer")
    page.get_by_label("Heading").fill("Our letter")
    page.get_by_label("Text above the fields").fill("New books, once a month.")
    page.get_by_label("Whether “First name” is asked").select_option("optional")
    page.get_by_label("Whether “Genre” is asked").select_option("optional")
    page.get_by_label("What “Genre” is called on the form").fill("What do you read?")
    page.get_by_label("What people agree to").fill("I would like the letter, and can stop it at any time.")
    assert find_in_both_themes(page, "#content") == []
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_role("heading", name="In a page of your own").wait_for()
    form = SubscriptionForm.objects.get()
    assert [one["column"] for one in form.fields] == ["email", "first_name", "fields.genre"]
    assert find_in_both_themes(page, "#content") == []
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    snippet = page.locator("#cf-snippet").input_value()
    settings.PUBLIC_URL = "https://crm.example.com"
    page.reload()
    take(page, "forms-admin", kept="page")
    page.goto("/admin/contacts/subscriptionform/")
    assert find_in_both_themes(page, "#content") == []
    take(page, "forms-list")

    stranger = browser.new_context(java_script_enabled=False)
    visit = stranger.new_page()
    visit.goto(other_site(snippet))
    visit.get_by_label("Email").fill("olena@example.com")
    visit.get_by_label("What do you read?").select_option("Poems")
    visit.get_by_label("I would like the letter").check()
    visit.get_by_role("button", name="Subscribe").click()
    visit.get_by_role("heading", name="Thank you").wait_for()
    stranger.close()
    contact = Contact.objects.get()
    assert (contact.email, contact.email_state) == ("olena@example.com", ChannelState.UNCONFIRMED)
    assert contact.attributes == {"genre": "Poems"}


def test_at_its_own_address_a_person_is_told_what_is_wrong_and_led_on(
    browser: Any, live_server: Any, account: Any, other_site: Any
) -> None:
    form = SubscriptionForm.objects.create(
        name="Footer", title="Our letter", intro="New books, once a month.", consent_text="I would like the letter.",
        redirect_url=other_site("<h1>Welcome to the shop</h1>"),
        fields=[
            {"column": "email", "label": "", "is_required": True},
            {"column": "phone", "label": "", "is_required": False},
            {"column": "fields.genre", "label": "What do you read?", "is_required": False},
        ],
    )  # fmt: skip
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    page, troubles = context.new_page(), []
    page.on("console", lambda said: "Content Security Policy" in said.text and troubles.append(said.text))

    page.goto(f"/forms/{form.key}")
    assert find_barriers(page, "html") == []
    take(page, "forms-page", kept="window")
    page.get_by_label("Email").fill("olena@example.com")
    page.get_by_label("Phone").fill("12")
    page.get_by_label("I would like the letter.").check()
    page.get_by_role("button", name="Subscribe").click()

    page.locator("#cardfile-phone-error").wait_for()
    assert page.get_by_label("Email").input_value() == "olena@example.com"
    assert page.get_by_label("Phone").evaluate("input => input === document.activeElement")
    page.emulate_media(color_scheme="dark")
    assert find_barriers(page, "html") == []
    page.emulate_media(color_scheme="light")
    assert find_barriers(page, "html") == []
    take(page, "forms-wrong", kept="window")
    page.get_by_label("Phone").fill("050 111 22 33")
    page.get_by_role("button", name="Subscribe").click()

    page.get_by_role("heading", name="Welcome to the shop").wait_for()
    assert Contact.objects.get().phone == "+380501112233"
    page.goto(f"/forms/{form.key}/thanks")
    assert find_barriers(page, "html") == []
    take(page, "forms-thanks")
    assert context.cookies() == []
    context.close()
    assert troubles == []


def test_the_words_of_the_mail_are_seen_before_they_are_sent(admin_page: Any, account: Any, settings: Any) -> None:
    settings.PUBLIC_URL, settings.DEFAULT_FROM_EMAIL = "https://crm.example.com", "letters@shop.example.com"
    page = admin_page
    page.goto("/admin/contacts/confirmationtext/")
    page.get_by_label("Subject").fill("{name}: one more step")
    page.get_by_label("Text above the button").fill("Welcome to {name}!\n\nOne press is left.")
    page.get_by_role("button", name="See the mail").click()

    page.get_by_text("Bookshop: one more step").wait_for()
    assert find_in_both_themes(page, "#content") == []
    take(page, "forms-mail", kept="page")


def test_the_visits_before_join_whoever_subscribes_on_a_page_of_the_shop(
    admin_client: Any, browser: Any, live_server: Any, account: Any, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    form = SubscriptionForm.objects.create(name="Footer")
    site = Site.objects.create(name="Shop", origins=["https://shop.example.com"])
    copied = admin_client.get(f"/admin/contacts/subscriptionform/{form.pk}/change/").context["snippet"]
    context = browser.new_context()
    page = context.new_page()
    with open_shop(f"{live_server.url}/web/{site.key}.js") as shop:
        Site.objects.update(origins=[shop.url])
        shop.snippet += copied
        page.goto(f"{shop.url}/shoes")
        eventually(page, Event.objects.exists)
        assert not Contact.objects.exists()

        page.locator("#cardfile-email").fill("olena@example.com")
        page.get_by_role("button", name="Subscribe").click()

        page.get_by_role("heading", name="Thank you").wait_for()
    context.close()
    contact = Contact.objects.get()
    assert set(Event.objects.values_list("contact_id", flat=True)) == {contact.pk}
    assert Event.objects.filter(source="web").exists()
