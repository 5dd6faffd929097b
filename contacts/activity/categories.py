"""Subscription categories: made by hand, or by themselves as soon as somebody is asked about one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from django.db import connection

from contacts.models import SubscriptionCategory

__all__ = ["default_categories", "name_categories", "note_categories"]

# Asked first, so that no number is used up; in one order, so that nobody deadlocks.
_NOTE: Final = """
INSERT INTO contacts_subscriptioncategory (key, name, description, is_default, created_at)
SELECT asked.key, '', '', false, now() FROM unnest(%s::text[]) AS asked (key)
WHERE NOT EXISTS (SELECT FROM contacts_subscriptioncategory known WHERE known.key = asked.key)
ORDER BY asked.key ON CONFLICT (key) DO NOTHING
"""


def note_categories(keys: Collection[str]) -> None:
    """Categories that nobody described yet appear, in the caller's transaction."""
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [sorted(set(keys))])


def default_categories() -> list[str]:
    """What somebody agrees to who subscribes without saying to what."""
    default = SubscriptionCategory.objects.filter(is_default=True, archived_at=None)
    return list(default.order_by("key").values_list("key", flat=True))


def name_categories(keys: Iterable[str]) -> dict[str, str]:
    """The names of categories, as far as they were given one."""
    named = SubscriptionCategory.objects.filter(key__in=set(keys)).exclude(name="")
    return dict(named.values_list("key", "name"))
