"""What contacts agreed to, by category: all categories there are, and those of one contact."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity.categories import name_categories
from contacts.activity.consents import LONGEST_CATEGORY, replace_subscriptions
from contacts.api import schema_subscriptions as schema
from contacts.api.naming import find_active
from contacts.api.refusals import no_such_contact, refused
from contacts.api.views import name_of_caller
from contacts.identity.errors import ContactNotFound
from contacts.models import Consent, ContactState
from contacts.records import Problem
from contacts.wire import is_empty, trouble_of
from crm.api.renderers import Sentence
from crm.api.views import ApiView

__all__ = ["ContactSubscriptionsView", "SubscriptionsView", "read_categories"]

BASIS: Final = "API"
MOST_CATEGORIES: Final = 500
# Joined, not looked up one by one: there may be as many consents as contacts.
COUNTED: Final = """
SELECT coalesce(asked.category, s.key) AS key, coalesce(nullif(s.name, ''), s.key, asked.category),
       coalesce(asked.granted, 0), coalesce(asked.first, s.created_at), coalesce(asked.last, s.created_at)
FROM (
    SELECT c.category, count(*) FILTER (WHERE c.granted AND k.state = %s) AS granted,
           min(c.at) AS first, max(c.at) AS last
    FROM contacts_consent c LEFT JOIN contacts_contact k ON k.id = c.contact_id
    GROUP BY c.category
) asked FULL JOIN (SELECT * FROM contacts_subscriptioncategory) s ON s.key = asked.category
WHERE asked.category IS NOT NULL OR s.archived_at IS NULL ORDER BY 1
"""


class SubscriptionsView(ApiView):
    """``/v1/subscriptions``: the categories that are offered, and those that anybody was ever asked about."""

    area = "contacts"
    rate = "search"

    @schema.list_subscriptions
    def get(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute(COUNTED, [ContactState.ACTIVE.value])
            return Response([show_counted(*row) for row in cursor.fetchall()])


class ContactSubscriptionsView(ApiView):
    """``/v1/contact/{id}/subscriptions``: what one contact agreed to."""

    area = "contacts"

    @schema.get_subscriptions
    def get(self, request: Request, contact_id: int) -> Response:
        found = find_active(contact_id)
        if found is None:
            raise no_such_contact("id", contact_id)
        granted = Consent.objects.filter(contact_id=found, granted=True).order_by("category")
        keys = list(granted.values_list("category", flat=True))
        names = name_categories(keys)
        return Response([show_category(key, names.get(key, key)) for key in keys])

    @schema.change_subscriptions
    def put(self, request: Request, contact_id: int) -> Response:
        categories = read_categories(request.data)
        try:
            found = replace_subscriptions(contact_id, categories, by=name_of_caller(request), basis=BASIS)
        except ContactNotFound as error:
            raise no_such_contact("id", contact_id) from error
        self.about = [found]
        return Response(Sentence(f"Subscriptions of contact with id='{contact_id}' have been updated"))


def read_categories(body: Any) -> list[str]:
    """The keys in ``subscriptions``; one counts as a list of one, none at all is only meant by an empty list."""
    given = body.get("subscriptions") if isinstance(body, Mapping) else body
    if is_empty(given):
        message = _("Send the keys of all categories that the contact agrees to, or an empty list.")
        raise refused([Problem("subscriptions", "required", message)])
    keys = given if isinstance(given, list) else [given]
    if len(keys) > MOST_CATEGORIES:
        message = _("Send at most %(most)d at a time; these are %(count)d.")
        values = {"most": MOST_CATEGORIES, "count": len(keys)}
        raise refused([Problem("subscriptions", "too_many", message % values)])
    if problems := list(troubles_of(keys)):
        raise refused(problems)
    return [str(key).strip() for key in keys if not is_empty(key)]


def troubles_of(keys: list[Any]) -> Iterator[Problem]:
    for position, key in enumerate(keys):
        path = f"subscriptions[{position}]"
        if isinstance(key, bool | float):
            yield Problem(path, "not_text", _("Write this value as text."))
        elif not is_empty(key) and (trouble := trouble_of(key)):
            yield Problem(path, *trouble)
        elif not is_empty(key) and len(str(key).strip()) > LONGEST_CATEGORY:
            message = _("A category has at most %(count)d characters.") % {"count": LONGEST_CATEGORY}
            yield Problem(path, "too_long", message)


def show_counted(key: str, name: str, count: int, first: datetime, last: datetime) -> dict[str, Any]:
    return {
        **show_category(key, name),
        "contactsCount": count,
        "createdDate": first.isoformat(),
        "updatedDate": last.isoformat(),
    }


def show_category(key: str, name: str) -> dict[str, Any]:
    return {"id": number_of(key), "key": key, "name": name}


def number_of(key: str) -> int:
    """Categories are known by their key; clients that want a number get one that is always the same."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") >> 1
