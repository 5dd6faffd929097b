"""The audit log, to read: for administrators and auditors."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import display

from crm.admin.listing import ReadOnlyAdmin, UncountedList
from crm.admin.moments import show_moment
from crm.login.devices import describe_device
from crm.models import AuditEntry

__all__ = ["AuditEntryAdmin"]

CHANGED_MARK: Final = " →"
BAD: Final = frozenset({"sign_in_failed", "locked_out"})
GRAVE: Final = frozenset({"two_factor_off", "two_factor_reset", "role_changed", "deleted", "key_made"})
TONES: Final = {"bad": "danger", "grave": "warning", "plain": "info"}


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Nobody changes it, not even an administrator: the database refuses."""

    list_display = ("when", "who_shown", "what", "about_shown", "details_shown", "where")
    list_display_links = None
    list_filter = (("action", ChoicesDropdownFilter), ("at", RangeDateFilter))
    list_filter_submit = True
    list_per_page = 50
    search_fields = ("by",)
    search_help_text = gettext_lazy("A user name, an address such as 192.0.2.7, or what it is about: crm.apikey:3.")

    class Media:
        css = {"all": ("contacts/contacts.css", "login/account.css")}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """By what is indexed, so that a log of years answers at once."""
        term = search_term.replace("\x00", "").strip()
        return (queryset.filter(find_term(term)) if term else queryset), False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The list says all there is to say of an entry."""
        return redirect("admin:crm_auditentry_changelist")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:crm_auditentry_changelist")

    @display(description=gettext_lazy("when"))
    def when(self, entry: AuditEntry) -> str:
        return show_moment(entry.at)

    @display(description=gettext_lazy("who"))
    def who_shown(self, entry: AuditEntry) -> str:
        return name_actor(entry)

    @display(description=gettext_lazy("what"), label=TONES)
    def what(self, entry: AuditEntry) -> tuple[str, str]:
        tone = "bad" if entry.action in BAD else "grave" if entry.action in GRAVE else "plain"
        return tone, entry.get_action_display()

    @display(description=gettext_lazy("about"))
    def about_shown(self, entry: AuditEntry) -> str | SafeString:
        return name_about(entry)

    @display(description=gettext_lazy("details"))
    def details_shown(self, entry: AuditEntry) -> str | SafeString:
        return show_details(entry.details) or "—"

    @display(description=gettext_lazy("from where"))
    def where(self, entry: AuditEntry) -> str:
        device = describe_device(entry.user_agent) if entry.user_agent else ""
        return ", ".join(filter(None, (entry.address, device))) or "—"


def find_term(term: str) -> Q:
    """What an entry is looked up by."""
    if ":" in term and "." in term.partition(":")[0]:
        return Q(about=term)
    try:
        return Q(address=str(ip_address(term)))
    except ValueError:
        pass
    user_id = User.objects.filter(username=term).values_list("pk", flat=True).first()
    return Q(by=f"user:{user_id}") | Q(about=f"auth.user:{user_id}") if user_id else Q(by=term)


def name_actor(entry: AuditEntry) -> str:
    kind, _colon, name = entry.by.partition(":")
    if kind == "command":
        return _("The command {name}").format(name=name)
    if kind == "key":
        return _("API key {name}").format(name=entry.who or name)
    return entry.who or entry.by or _("Nobody known")


def name_about(entry: AuditEntry) -> str | SafeString:
    """What kind of thing, what it was called, and its page where it has one."""
    label, _colon, pk = entry.about.partition(":")
    try:
        model = apps.get_model(label) if label else None
    except (LookupError, ValueError):
        model = None
    if model is None:
        return entry.about or "—"
    name = entry.details.get("name") or pk
    text = f"{str(model._meta.verbose_name).capitalize()}: {name}"
    try:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return text
    return format_html('<a class="text-link" href="{}">{}</a>', address, text)


def show_details(details: Mapping[str, Any]) -> SafeString:
    """One line for each; of what changed the old value and the new one."""
    return format_html_join("", "<div>{}</div>", ((show_detail(name, value),) for name, value in read_details(details)))


def read_details(details: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in details.items() if name != "name" and value not in (None, "", [])]


def show_detail(name: str, value: Any) -> SafeString:
    if name.endswith(CHANGED_MARK) and isinstance(value, list) and len(value) == len(("old", "new")):
        label = name.removesuffix(CHANGED_MARK).removesuffix("_id").replace("_", " ")
        return format_html("{}: <del>{}</del> → {}", label, say(value[0]), say(value[1]))
    return format_html("{}: {}", name.replace("_", " "), say(value))


def say(value: Any) -> str:
    if value in (None, "", []):
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
