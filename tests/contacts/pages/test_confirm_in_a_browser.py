"""The page as a person sees it, with scripts switched off."""

from __future__ import annotations

import pytest

from contacts.identity import resolve_one
from contacts.identity.types import SUBSCRIBE
from contacts.models import ChannelState, Contact
from contacts.subscribing import invite


@pytest.mark.django_db(transaction=True)
def test_a_person_confirms_with_one_press_and_without_scripts(browser, live_server):
    outcome = resolve_one({"email": "olena@example.com"}, SUBSCRIBE, by="key:1")
    link = invite(outcome.contact_id or 0, "olena@example.com", site=live_server.url)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 700})
    page = context.new_page()

    page.goto(link.url)
    assert Contact.objects.get().email_state == ChannelState.UNCONFIRMED
    page.get_by_role("button", name="Yes, confirm").click()

    page.get_by_role("heading", name="Thank you, it is confirmed.").wait_for()
    context.close()
    assert Contact.objects.get().email_state == ChannelState.ACTIVE
