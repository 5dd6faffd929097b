"""The dashboard's panels of contacts.

Figures are read as the job of ``contacts.statistics`` kept them; imports and cases are few, and read as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.imports.progress import UNDER_WAY, describe_progress
from contacts.admin.imports.words import say_counts
from contacts.admin.listing import ReadOnlyAdmin
from contacts.admin.wording import KINDS, SOURCES, word
from contacts.keys import Kind
from contacts.models import (
    ChannelState,
    Contact,
    DailyFigure,
    Import,
    ImportStatus,
)
from contacts.statistics import Latest, enqueue_refresh, list_days, read_latest
from crm.admin import dashboard
from crm.admin.charts import Series, draw_bars, draw_lines, say_number
from crm.admin.dashboard import Panel, may, remembered

__all__ = ["DailyFigureAdmin"]

LATELY: Final = timedelta(days=1)
IMPORTS_SHOWN: Final = 5
SOURCES_SHOWN: Final = 8
TONES: Final[dict[ChannelState, str]] = {
    ChannelState.ACTIVE: "good",
    ChannelState.UNCONFIRMED: "dim",
    ChannelState.UNSUBSCRIBED: "warn",
    ChannelState.BOUNCED: "bad",
    ChannelState.BLACKLISTED: "bad",
}
SEES_CONTACTS: Final = ("contacts.view_contact", "contacts.change_contact")
SEES_IMPORTS: Final = ("contacts.view_import", "contacts.add_import")
REFRESHES: Final = "contacts.change_contact"
STEPS: Final[tuple[tuple[str, str, str, Any, Any], ...]] = (
    (
        "upload",
        "contacts_import_add",
        "contacts.add_import",
        gettext_lazy("Import a file"),
        gettext_lazy("Contacts from a CSV or Excel file, with a preview before anything is written."),
    ),
    (
        "person_add",
        "contacts_contact_add",
        "contacts.add_contact",
        gettext_lazy("Add a contact by hand"),
        gettext_lazy("One sheet, to see how it looks."),
    ),
    (
        "key",
        "crm_apikey_add",
        "crm.add_apikey",
        gettext_lazy("Make an API key"),
        gettext_lazy("With it your shop, site or app writes contacts, events and orders."),
    ),
    (
        "tune",
        "contacts_customfield_add",
        "contacts.add_customfield",
        gettext_lazy("Add a custom field"),
        gettext_lazy("For what you know of your contacts beside name, email and phone."),
    ),
    (
        "group_add",
        "auth_user_add",
        "auth.add_user",
        gettext_lazy("Invite a colleague"),
        gettext_lazy("Each with a user of their own, so that the history says who did what."),
    ),
)
"""Symbol, address name, permission, what, why: the first steps on an empty installation."""


def figures(request: HttpRequest) -> Latest:
    return remembered(request, read_latest)


# An empty installation


def read_start(request: HttpRequest) -> Mapping[str, Any] | None:
    """The first steps, until there is somebody."""
    if figures(request).contacts or Contact.objects.exists():
        return None
    return {"steps": [step for step in map(build_step, STEPS) if request.user.has_perm(step["permission"])]}


def build_step(step: tuple[str, str, str, Any, Any]) -> dict[str, Any]:
    symbol, address, permission, what, why = step
    try:
        link = reverse(f"admin:{address}")
    except NoReverseMatch:
        link = ""
    return {"symbol": symbol, "link": link, "permission": permission, "what": what, "why": why}


# Figures


def read_contacts(request: HttpRequest) -> Mapping[str, Any]:
    latest = figures(request)
    context = {"latest": latest, "may_refresh": request.user.has_perm(REFRESHES)}
    if latest.day is None:
        return context
    period = dashboard.chosen_period(request)
    days = list_days(first=latest.day - timedelta(days=period - 1), last=latest.day)
    series = [
        Series(_("Identified"), "first", [day.identified for day in days]),
        Series(_("Anonymous"), "second", [day.anonymous for day in days]),
    ]
    return context | {
        "all": say_number(latest.contacts),
        "identified": say_number(latest.identified),
        "anonymous": say_number(latest.anonymous),
        "chart": draw_lines([day.day for day in days], series),
        "says": say_chart(latest),
        "more": say_change(days[0].identified + days[0].anonymous, latest.contacts),
        "counted_from": next((day.day for day in days if not day.is_reckoned), None) if days[0].is_reckoned else None,
    }


def say_chart(latest: Latest) -> str:
    text = _("{identified} identified and {anonymous} anonymous contacts at the end; the table below has every day.")
    return text.format(identified=say_number(latest.identified), anonymous=say_number(latest.anonymous))


def say_change(before: int, now: int) -> str:
    """How many more, or fewer, than on the first day shown."""
    return f"{'−' if now < before else '+'}{say_number(abs(now - before))}"


def read_sources(request: HttpRequest) -> Mapping[str, Any] | None:
    latest = figures(request)
    if not latest.contacts:
        return None
    counts = [(word(SOURCES, source), count) for source, count in latest.by_source().items()]
    shown = dict(counts[:SOURCES_SHOWN])
    if len(counts) > SOURCES_SHOWN:
        shown[_("Others")] = sum(count for _source, count in counts[SOURCES_SHOWN:])
    return {"latest": latest, "bars": draw_bars(shown, latest.contacts)}


def read_coverage(request: HttpRequest) -> Mapping[str, Any] | None:
    latest = figures(request)
    if not latest.contacts:
        return None
    permanent = (Kind.EXTERNAL_ID, Kind.EMAIL, Kind.PHONE)
    counts = {word(KINDS, kind): count for kind, count in latest.by_kind().items() if count or kind in permanent}
    return {"latest": latest, "bars": draw_bars(counts, latest.contacts)}


def read_channels(request: HttpRequest) -> Mapping[str, Any] | None:
    latest = figures(request)
    if not latest.contacts:
        return None
    return {
        "latest": latest,
        "channels": [
            draw_channel(word(KINDS, Kind.EMAIL), latest.by_state("email")),
            draw_channel(word(KINDS, Kind.PHONE), latest.by_state("phone")),
        ],
    }


def draw_channel(label: str, states: Mapping[ChannelState, int]) -> Mapping[str, Any]:
    """The states of one channel; the good one is shown even where there is none."""
    counts = {state: count for state, count in states.items() if count or state == ChannelState.ACTIVE}
    words = {str(state.label).capitalize(): count for state, count in counts.items()}
    tones = {str(state.label).capitalize(): TONES[state] for state in counts}
    return {"label": label, "bars": draw_bars(words, sum(counts.values()), tones)}


@admin.register(DailyFigure)
class DailyFigureAdmin(ReadOnlyAdmin):
    """No pages of its own: the dashboard shows the figures, and asks for them here."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        return [path("refresh/", self.admin_site.admin_view(self.refresh_view), name="contacts_dailyfigure_refresh")]

    def refresh_view(self, request: HttpRequest) -> HttpResponse:
        """Have them worked out now."""
        if request.method != "POST" or not request.user.has_perm(REFRESHES):
            raise PermissionDenied
        enqueue_refresh()
        messages.success(request, _("The figures are worked out in the background. Look at this page in a moment."))
        return redirect("admin:index")


# Imports


def read_imports(request: HttpRequest) -> Mapping[str, Any]:
    """Those under way, then those that ended within a day."""
    lately = Q(status__in=(ImportStatus.FINISHED, ImportStatus.FAILED), finished_at__gte=datetime.now(UTC) - LATELY)
    runs = list(Import.objects.filter(Q(status__in=UNDER_WAY) | lately).order_by("-pk")[:IMPORTS_SHOWN])
    rows = [show_import(run) for run in sorted(runs, key=lambda run: (run.status not in UNDER_WAY, -run.pk))]
    return {
        "rows": rows,
        "is_live": any(row["is_under_way"] for row in rows),
        "link": reverse("admin:contacts_import_changelist"),
        "add_link": reverse("admin:contacts_import_add") if request.user.has_perm("contacts.add_import") else "",
    }


def show_import(run: Import) -> dict[str, Any]:
    is_under_way = run.status in UNDER_WAY
    return {
        "name": run.file_name,
        "link": reverse("admin:contacts_import_change", args=[run.pk]),
        "is_under_way": is_under_way,
        "has_failed": run.status == ImportStatus.FAILED,
        "state": str(run.get_status_display()).capitalize(),
        "progress": describe_progress(run) if is_under_way else None,
        "says": "" if is_under_way else (run.error or say_counts(run.counts)),
        "ended_at": run.finished_at,
    }


PANELS: Final = (
    Panel(
        "start",
        gettext_lazy("First steps"),
        5,
        "contacts/dashboard/start.html",
        read_start,
        may(*SEES_CONTACTS),
        width="all",
    ),
    Panel(
        "contacts",
        gettext_lazy("Contacts over time"),
        20,
        "contacts/dashboard/contacts.html",
        read_contacts,
        may(*SEES_CONTACTS),
        width="all",
    ),
    Panel(
        "imports",
        gettext_lazy("Imports"),
        15,
        "contacts/dashboard/imports.html",
        read_imports,
        may(*SEES_IMPORTS),
        width="third",
    ),
    Panel(
        "coverage",
        gettext_lazy("What contacts are found by"),
        30,
        "contacts/dashboard/bars.html",
        read_coverage,
        may(*SEES_CONTACTS),
    ),
    Panel(
        "channels",
        gettext_lazy("Whom you can write to"),
        40,
        "contacts/dashboard/channels.html",
        read_channels,
        may(*SEES_CONTACTS),
    ),
    Panel(
        "sources",
        gettext_lazy("Where contacts came from"),
        60,
        "contacts/dashboard/bars.html",
        read_sources,
        may(*SEES_CONTACTS),
    ),
)

for panel in PANELS:
    dashboard.register(panel)
