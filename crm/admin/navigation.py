"""The sidebar. An entry appears when its page exists and the user may see it; its number is what waits there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from crm.admin.waiting import Waiting, list_waiting, say_count

__all__ = ["list_navigation"]


class Entry(NamedTuple):
    """A page: ``address`` is its name below ``admin:``, ``permission`` what it takes to see it ('' nothing)."""

    label: Any
    symbol: str
    address: str
    permission: str = ""


def model(label: Any, symbol: str, name: str) -> Entry:
    """The list of a model, which whoever may view the model may see."""
    app, _dot, model_name = name.partition(".")
    return Entry(label, symbol, f"{app}_{model_name}_changelist", f"{app}.view_{model_name}")


# title of the group → its entries; https://fonts.google.com/icons names the symbols
GROUPS: Final[list[tuple[Any, list[Entry]]]] = [
    ("", [Entry(_("Dashboard"), "dashboard", "index")]),
    (
        _("Contacts"),
        [
            model(_("Contacts"), "contacts", "contacts.contact"),
            model(_("Segments"), "filter_alt", "segments.segment"),
            model(_("Duplicates"), "group", "contacts.duplicatecase"),
            model(_("Merges"), "merge", "contacts.merge"),
        ],
    ),
    (
        _("Data"),
        [
            model(_("Imports"), "upload", "contacts.import"),
            model(_("Exports"), "download", "contacts.contactexport"),
            model(_("Warehouses"), "database", "contacts.exporttarget"),
            model(_("Bulk actions"), "checklist", "contacts.contactaction"),
        ],
    ),
    (
        _("Sources"),
        [
            model(_("Websites"), "language", "contacts.site"),
            model(_("Apps"), "smartphone", "contacts.app"),
            model(_("Forms"), "dynamic_form", "contacts.subscriptionform"),
            model(_("Event types"), "category", "contacts.eventtype"),
        ],
    ),
    (
        _("Connections"),
        [
            model(_("API keys"), "key", "crm.apikey"),
            model(_("Webhooks"), "webhook", "contacts.webhook"),
        ],
    ),
    (
        _("Settings"),
        [
            Entry(_("All settings"), "settings", "contacts_settings", "contacts.view_account"),
            model(_("Account"), "apartment", "contacts.account"),
            model(_("Custom fields"), "tune", "contacts.customfield"),
            model(_("Identity policy"), "rule", "contacts.policy"),
            model(_("Junk values"), "block", "contacts.junkvalue"),
            model(_("Subscription categories"), "mark_email_read", "contacts.subscriptioncategory"),
            model(_("Confirmation mail"), "forward_to_inbox", "contacts.confirmationtext"),
            Entry(_("Retention"), "auto_delete", "contacts_retention", "contacts.view_policy"),
        ],
    ),
    (
        _("Administration"),
        [
            model(_("Users"), "person", "auth.user"),
            model(_("Roles"), "groups", "crm.role"),
            model(_("Audit log"), "policy", "crm.auditentry"),
            model(_("Lock-outs"), "lock_clock", "crm.loginattempts"),
            model(_("Background work"), "schedule", "procrastinate.procrastinatejob"),
        ],
    ),
]


def list_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """As unfold takes it; no group is shown empty, nor the first one with a line above it."""
    waiting = {one.entry: (one, count) for one, count in list_waiting(request) if one.entry}
    groups: list[dict[str, Any]] = []
    for title, entries in GROUPS:
        items = [item for entry in entries if (item := build_item(request, entry, waiting))]
        if items:
            groups.append({"title": title, "separator": bool(groups), "items": items})
    mark_active(request, [item for group in groups for item in group["items"]])
    return groups


def mark_active(request: HttpRequest, items: list[dict[str, Any]]) -> None:
    """One entry: that of the page, or of the list that the page is below; the first page is above none."""
    home, here = reverse("admin:index"), request.path
    above = [item["link"] for item in items if here.startswith(item["link"]) and item["link"] != home]
    active = max(above, key=len, default=home if here == home else "")
    for item in items:
        item["active"] = item["link"] == active


def build_item(request: HttpRequest, entry: Entry, waiting: Mapping[str, tuple[Waiting, int]]) -> dict[str, Any] | None:
    if entry.permission and not request.user.has_perm(entry.permission):
        return None
    try:
        link = reverse(f"admin:{entry.address}")
    except NoReverseMatch:
        return None
    item = {"title": entry.label, "icon": entry.symbol, "link": link}
    return item | show_badge(*waiting[entry.address]) if entry.address in waiting else item


def show_badge(one: Waiting, count: int) -> dict[str, Any]:
    return {"badge": say_count(count), "badge_variant": "danger" if one.is_trouble else "primary"}
