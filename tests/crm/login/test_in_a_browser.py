"""Coming in as a person does, in light and dark and on a phone; the pictures of docs/security.md."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.audit import Action, note
from tests.barriers import find_barriers
from tests.crm.login.conftest import PASSWORD, App, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

INTO = os.environ.get("PICTURES_INTO", "")
KEPT = ("sign-in-phone", "two-factor-light", "audit-log-dark")
"""Of the pictures; ``ALL_PICTURES`` takes all, to look at."""
PHONE, DESK = {"width": 390, "height": 800}, {"width": 1280, "height": 900}

TOO_WIDE = """width => document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll("body *")]
    .filter(one => one.getBoundingClientRect().right > width).map(one => one.outerHTML.slice(0, 150))"""


def look_at(page: Any, name: str) -> None:
    """No barrier in either theme, nothing wider than a phone; and its pictures, where they are asked for."""
    where = "#content" if page.locator("#content").count() else "body"
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", theme == "dark")
        barriers = find_barriers(page, where)
        assert not barriers, "\n".join([name, theme, *barriers])
        take(page, f"{name}-{theme}")
    page.set_viewport_size(PHONE)
    wide = page.evaluate(TOO_WIDE, PHONE["width"])
    assert not wide, "\n".join([name, *wide])
    take(page, f"{name}-phone")
    page.set_viewport_size(DESK)


def take(page: Any, name: str) -> None:
    if INTO and (name in KEPT or "ALL_PICTURES" in os.environ):
        page.screenshot(path=Path(INTO) / f"{name}.png", full_page=True)


def type_in(page: Any, name: str, password: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Any) -> None:
    page.get_by_text("olena@example.com").first.click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("You are signed out.").wait_for()


def test_a_person_comes_in_sets_up_two_factor_login_and_comes_back_with_a_recovery_code(page, olena, client):
    page.goto("/admin/account/")
    type_in(page, "olena", "wrong")
    page.get_by_role("alert").get_by_text("The name or the password is wrong.").wait_for()
    look_at(page, "sign-in")
    type_in(page, "olena", PASSWORD)

    page.get_by_role("heading", name="Signing in").wait_for()
    look_at(page, "account")
    page.get_by_role("link", name="Set it up").click()
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator(".login-secret").inner_text()
    look_at(page, "two-factor")
    app = App.of(secret)
    page.get_by_label("Code", exact=True).fill(app.code())
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("heading", name="Your recovery codes").first.wait_for()
    look_at(page, "recovery-codes")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a text file").click()
    codes = Path(download.value.path()).read_text().split()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()

    sign_out(page)
    type_in(page, "olena", PASSWORD)
    page.get_by_role("heading", name="Second step").wait_for()
    look_at(page, "second-step")
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("alert").get_by_text("This code is wrong or was used already.").wait_for()
    TOTPDevice.objects.update(last_t=-1)  # as if half a minute had passed
    page.get_by_label("Code", exact=True).fill(app.code())
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("olena@example.com").first.wait_for()

    sign_out(page)
    type_in(page, "olena", PASSWORD)
    page.get_by_label("Code", exact=True).fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("olena@example.com").first.wait_for()
    page.goto("/admin/account/two-factor/")
    page.get_by_text("9 are left.").wait_for()


def test_a_person_ends_a_session_elsewhere_and_is_locked_out_after_five_failures(page, olena, client):
    sign_in(client, "olena", HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1")
    page.goto("/admin/account/sessions/")
    type_in(page, "olena", PASSWORD)
    page.get_by_text("Safari on iPhone").wait_for()
    look_at(page, "sessions")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_text("Signed out there.").wait_for()
    assert client.get("/admin/account/").status_code == 302

    sign_out(page)
    for _ in range(5):
        type_in(page, "olena", "wrong")
        page.get_by_role("alert").wait_for()
    type_in(page, "olena", PASSWORD)
    page.get_by_role("alert").get_by_text("Try again in 1 minute").wait_for()


def test_a_person_who_administers_invites_another_and_reads_what_happened(
    admin_page, admin_user, make_user, live_server
):
    page = admin_page
    make_user("uliana", "auditor", first_name="Uliana", last_name="Bondar")
    page.goto("/admin/auth/user/add/")
    page.get_by_label("Username").fill("yaroslav")
    page.get_by_label("First name").fill("Yaroslav")
    page.get_by_role("radio", name="Auditor").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("chooses a password with this link").wait_for()
    look_at(page, "user")

    page.goto("/admin/auth/user/")
    page.get_by_role("link", name="Yaroslav").wait_for()
    look_at(page, "users")
    page.goto("/admin/crm/role/")
    look_at(page, "roles")
    note(
        Action.CHANGED, by=f"user:{admin_user.pk}", about="contacts.account:1", details={"time_zone →": ["UTC", "Kyiv"]}
    )
    page.goto("/admin/crm/auditentry/")
    page.get_by_text("Invited").first.wait_for()
    look_at(page, "audit-log")
