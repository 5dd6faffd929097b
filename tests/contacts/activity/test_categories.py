"""Subscription categories: by hand, or by themselves; calls and files go on as they did."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.activity.categories import note_categories
from contacts.models import Consent, Contact, SubscriptionCategory

pytestmark = pytest.mark.django_db

FORM = {"contact": {"channels": [{"type": "email", "value": "olena@example.com"}]}}


def keys() -> list[str]:
    return list(SubscriptionCategory.objects.values_list("key", flat=True))


def agreed() -> list[str]:
    granted = Consent.objects.filter(contact_id=Contact.objects.get().pk, granted=True)
    return list(granted.order_by("category").values_list("category", flat=True))


def test_a_category_appears_when_somebody_agrees_to_it(call_api):
    call_api("post", "/api/v1/contact/subscribe", {**FORM, "subscriptions": ["News", "Offers"]})

    assert keys() == ["News", "Offers"]
    assert agreed() == ["News", "Offers"]
    note_categories(["Offers", "News", "Offers", "Third"])
    assert keys() == ["News", "Offers", "Third"]


def test_a_form_that_names_none_agrees_to_the_default_ones(call_api):
    SubscriptionCategory.objects.create(key="News", is_default=True)
    SubscriptionCategory.objects.create(key="Old news", is_default=True, archived_at=timezone.now())
    SubscriptionCategory.objects.create(key="Offers")

    call_api("post", "/api/v1/contact/subscribe", FORM)

    assert agreed() == ["News"]


def test_the_api_lists_what_is_offered_and_what_was_asked_for_with_names(call_api):
    call_api("post", "/api/v1/contact/subscribe", {**FORM, "subscriptions": ["News"]})
    SubscriptionCategory.objects.filter(key="News").update(name="Weekly news", archived_at=timezone.now())
    SubscriptionCategory.objects.create(key="Offers")
    SubscriptionCategory.objects.create(key="Never used", archived_at=timezone.now())

    listed = call_api("get", "/api/v1/subscriptions").json()

    assert [(one["key"], one["name"], one["contactsCount"]) for one in listed] == [
        ("News", "Weekly news", 1),
        ("Offers", "Offers", 0),
    ]
    [own] = call_api("get", f"/api/v1/contact/{Contact.objects.get().pk}/subscriptions").json()
    assert (own["key"], own["name"]) == ("News", "Weekly news")
    assert own["id"] == listed[0]["id"]


def test_an_archived_category_is_still_agreed_to_by_who_names_it(call_api):
    SubscriptionCategory.objects.create(key="News", archived_at=timezone.now())

    call_api("post", "/api/v1/contact/subscribe", {**FORM, "subscriptions": "News"})

    assert agreed() == ["News"]


def test_a_category_keeps_its_key_and_is_archived_rather_than_deleted(admin_client):
    add = reverse("admin:contacts_subscriptioncategory_add")
    admin_client.post(add, {"key": "News", "name": "Weekly news", "description": "", "is_default": "on"})
    news = SubscriptionCategory.objects.get()
    page = reverse("admin:contacts_subscriptioncategory_change", args=[news.pk])

    admin_client.post(page, {"key": "Other", "name": "News", "description": "Each Monday.", "is_archived": "on"})

    news.refresh_from_db()
    assert (news.key, news.name, news.is_default) == ("News", "News", False)
    assert news.archived_at is not None
    assert admin_client.get(reverse("admin:contacts_subscriptioncategory_delete", args=[news.pk])).status_code == 403
    admin_client.post(page, {"name": "News", "description": ""})
    news.refresh_from_db()
    assert news.archived_at is None
