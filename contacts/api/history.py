"""A contact's journal: what changed, when, by whom, and how the record found it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import django_filters
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_history as schema
from contacts.api.fields import keys_by_id
from contacts.api.naming import find_kept
from contacts.api.refusals import no_such_contact, refused
from contacts.api.translate import show_change, without_absent
from contacts.filters import MomentFilter
from contacts.identity.erase import ERASED_VALUE
from contacts.models import Change, ChangeKind, ChannelState
from contacts.records import Problem
from contacts.wire import is_empty
from crm.api.pagination import answer_page, fetch_page, read_page
from crm.api.views import ApiView

__all__ = ["ChangeFilter", "HistoryView"]

OTHERS: Final = {
    "loserId": "loser",
    "survivorId": "survivor",
    "migratedTo": "migrated_to",
    "migratedFrom": "migrated_from",
}
"""The other contacts that took part, as the details of a change name them."""
STATES: Final = {"emailState": "email_state", "phoneState": "phone_state"}


class ChangeFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=ChangeKind.choices)
    by = django_filters.CharFilter()
    since = MomentFilter(field_name="at", lookup_expr="gte")
    until = MomentFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Change
        fields: list[str] = []


class HistoryView(ApiView):
    """``/v1/contact/{id}/history``, the newest first; of a deleted contact too, for a merged one its survivor's."""

    area = "contacts"
    rate = "search"

    @schema.list_changes
    def get(self, request: Request, contact_id: int) -> Response:
        page = read_page(request.query_params)
        found = find_kept(contact_id)
        if found is None:
            raise no_such_contact("id", contact_id)
        given = {name: value for name, value in request.query_params.items() if not is_empty(value)}
        filtered = ChangeFilter(given, Change.objects.filter(contact_id=found).order_by("-pk"))
        if not filtered.is_valid():
            raise refused(
                Problem(name, "invalid_value", text) for name, texts in filtered.errors.items() for text in texts
            )
        changes, total = fetch_page(filtered.qs, page)
        keys = keys_by_id()
        return answer_page([show_entry(change, keys) for change in changes], total)


def show_entry(change: Change, field_keys: Mapping[int, str]) -> dict[str, Any]:
    details = change.details or {}
    told = {
        "id": change.pk,
        "contactId": change.contact_id,
        "at": change.at.isoformat(),
        "by": change.by,
        "kind": change.kind,
        "matchedBy": change.matched_by or None,
        "rule": details.get("rule"),
        "importId": change.import_id or details.get("import"),
        "mergeId": change.merge_id or details.get("merge"),
        **{name: details.get(key) for name, key in OTHERS.items()},
    }
    sides = {"before": change.before or {}, "after": change.after or {}}
    return {**without_absent(told), **{name: show_side(side, field_keys) for name, side in sides.items()}}


def show_side(side: Mapping[str, Any], field_keys: Mapping[int, str]) -> dict[str, Any]:
    """``erased`` where a value went together with another contact that had it."""
    kept = {column: value for column, value in side.items() if value != ERASED_VALUE}
    states = {name: show_state(side.get(column)) for name, column in STATES.items()}
    more: dict[str, Any] = {} if len(kept) == len(side) else {"erased": True}
    return {**show_change(kept, field_keys), **without_absent(states), **more}


def show_state(value: Any) -> str | None:
    return ChannelState(value).name.lower() if value in ChannelState.values else None
