"""Websites in the back office: the form, the snippet, and whether something arrives."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Site
from crm.models import AuditEntry

pytestmark = pytest.mark.django_db

FORM = {"name": "Shop", "origins": "shop.example.com\n https://*.example.com/ \n\n", "is_active": "on"}
RECEIVED = re.compile(r"Received \d seconds? ago from https://shop\.example\.com\.")


def test_a_website_is_added_and_leads_to_its_snippet(admin_client, settings):
    settings.PUBLIC_URL = "https://crm.example.org"

    answer = admin_client.post(reverse("admin:contacts_site_add"), FORM, follow=True)

    site = Site.objects.get()
    assert site.origins == ["https://shop.example.com", "https://*.example.com"]
    assert (site.needs_consent, site.honours_signals) == (False, False)
    assert answer.redirect_chain[-1][0] == reverse("admin:contacts_site_install", args=[site.pk])
    page = answer.content.decode()
    assert f"src=&quot;https://crm.example.org/web/{site.key}.js&quot;" in page
    assert "script-src https://crm.example.org; connect-src https://crm.example.org" in page
    assert "Waiting for the first event." in page
    assert AuditEntry.objects.filter(about=f"contacts.site:{site.pk}").count() == 1


@pytest.mark.parametrize(
    "text",
    ["", "https://shop.example.com/boots", "ftp://a.com", "\n".join("abcdefgh.com" + "x" * n for n in range(51))],
)
def test_an_address_that_is_none_is_said_at_its_field(admin_client, text):
    answer = admin_client.post(reverse("admin:contacts_site_add"), {**FORM, "origins": text})

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"origins"}
    assert not Site.objects.exists()


def test_do_not_track_is_honoured_unless_somebody_says_otherwise(admin_client):
    page = admin_client.get(reverse("admin:contacts_site_add")).context["adminform"].form

    assert (page["honours_signals"].value(), page["needs_consent"].value()) == (True, False)


def test_the_live_check_says_when_and_from_where_and_shows_the_last_hour(admin_client, site, tell):
    address = reverse("admin:contacts_site_check", args=[site.pk])
    assert "Waiting for the first event." in admin_client.get(address).content.decode()

    tell(
        "events",
        events=[{"eventTypeKey": "pageView", "params": {"url": "https://shop.example.com/boots?email=a@b.com"}}],
    )

    page = admin_client.get(address).content.decode()
    assert RECEIVED.search(page), page
    assert "shop.example.com/boots" in page
    assert "a@b.com" not in page
    Site.objects.update(latest=[{"type": "old", "page": "", "at": (timezone.now() - timedelta(hours=2)).isoformat()}])
    assert "old" not in admin_client.get(address).content.decode()


STATES = {
    "Off": {"is_active": False},
    "Waiting for the first event": {},
    "Receiving": {"last_event_at": timedelta(hours=3)},
    "Nothing for a day": {"last_event_at": timedelta(days=2)},
}


@pytest.mark.parametrize("words", STATES)
def test_the_list_says_how_a_website_does(admin_client, site, words):
    values = {
        name: timezone.now() - value if name == "last_event_at" else value for name, value in STATES[words].items()
    }
    Site.objects.update(**values)

    assert words in admin_client.get(reverse("admin:contacts_site_changelist")).content.decode()
    assert words in admin_client.get(reverse("admin:contacts_site_change", args=[site.pk])).content.decode()


def test_what_changed_is_written_down(admin_client, site):
    admin_client.post(reverse("admin:contacts_site_change", args=[site.pk]), {**FORM, "needs_consent": "on"})

    entry = AuditEntry.objects.get(about=f"contacts.site:{site.pk}")
    assert entry.details["needs_consent →"] == [False, True]
    assert set(entry.details) == {"name", "needs_consent →", "honours_signals →", "origins →"}
