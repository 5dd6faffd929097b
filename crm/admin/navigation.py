"""The sidebar. An entry appears when its page exists and the user may see it."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

__all__ = ["list_navigation"]

# title of the group → (label, symbol, model); https://fonts.google.com/icons names the symbols
GROUPS: list[tuple[Any, list[tuple[Any, str, str]]]] = [
    (
        _("Contacts"),
        [
            (_("Contacts"), "contacts", "contacts.contact"),
            (_("Segments"), "filter_alt", "segments.segment"),
            (_("Duplicates"), "group", "contacts.duplicatecase"),
            (_("Merges"), "merge", "contacts.merge"),
        ],
    ),
    (
        _("Activity"),
        [
            (_("Events"), "bolt", "contacts.event"),
            (_("Orders"), "shopping_bag", "contacts.order"),
            (_("Changes"), "history", "contacts.change"),
        ],
    ),
    (
        _("Data"),
        [
            (_("Imports"), "upload", "contacts.import"),
            (_("Exports"), "download", "contacts.contactexport"),
        ],
    ),
    (
        _("Settings"),
        [
            (_("Custom fields"), "tune", "contacts.customfield"),
            (_("Identity policy"), "rule", "contacts.policy"),
            (_("Junk values"), "block", "contacts.junkvalue"),
            (_("Event types"), "category", "contacts.eventtype"),
            (_("Account"), "settings", "contacts.account"),
            (_("API keys"), "key", "crm.apikey"),
            (_("Webhooks"), "webhook", "contacts.webhook"),
            (_("Users"), "person", "auth.user"),
            (_("Groups"), "groups", "auth.group"),
            (_("Jobs"), "schedule", "procrastinate.procrastinatejob"),
        ],
    ),
]


def list_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    groups = []
    for title, entries in GROUPS:
        items = [item for entry in entries if (item := build_item(request, *entry))]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def build_item(request: HttpRequest, label: Any, symbol: str, model: str) -> dict[str, Any] | None:
    app, name = model.split(".")
    if not request.user.has_perm(f"{app}.view_{name}"):
        return None
    try:
        link = reverse(f"admin:{app}_{name}_changelist")
    except NoReverseMatch:
        return None
    return {"title": label, "icon": symbol, "link": link}
