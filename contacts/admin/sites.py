"""Websites: their addresses and switches, the snippet for their pages, and whether what they send arrives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.copying import offer_snippet
from contacts.admin.journal import show_moment
from contacts.models import Site
from contacts.origins import InvalidOrigin, read_origin
from crm.addresses import public_url
from crm.admin.noted import Noted
from crm.admin.own_page import StateBelow

__all__ = ["SiteAdmin"]

OFF, WAITING, SILENT, RECEIVING = "off", "waiting", "silent", "receiving"
STATE_LABELS: Final = {OFF: "default", WAITING: "info", SILENT: "warning", RECEIVING: "success"}
STATE_WORDS: Final[dict[str, Any]] = {
    OFF: gettext_lazy("Off"),
    WAITING: gettext_lazy("Waiting for the first event"),
    SILENT: gettext_lazy("Nothing for a day"),
    RECEIVING: gettext_lazy("Receiving"),
}
MOST_ORIGINS: Final = 50
SILENT_AFTER: Final = timedelta(days=1)
SAMPLE: Final = timedelta(hours=1)
SNIPPET: Final = """\
<script>window.cardfile=window.cardfile||function(){(cardfile.q=cardfile.q||[]).push(arguments)}</script>
<script async src="%s"></script>"""
EXAMPLES: Final[tuple[tuple[Any, str], ...]] = (
    (gettext_lazy("Something happened"), 'cardfile("event", "addToCart", { product: "B-7", price: 49.9 });'),
    (
        gettext_lazy("The visitor signed in or up"),
        'cardfile("identify", { email: "olena@example.com", firstName: "Olena" });',
    ),
    (
        gettext_lazy("A form that says who it is when it is sent"),
        '<form data-cardfile-identify action="/register" method="post"> … </form>',
    ),
    (gettext_lazy("The visitor agreed to be tracked, or did not"), 'cardfile("consent", true);'),
)


def state_of(site: Site) -> str:
    if not site.is_active:
        return OFF
    if site.last_event_at is None:
        return WAITING
    return RECEIVING if site.last_event_at > timezone.now() - SILENT_AFTER else SILENT


class OriginsField(forms.CharField):
    """One address a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        text, found, wrong = super().clean(value), [], []
        for line in filter(None, (line.strip(" \t,;") for line in text.splitlines())):
            try:
                found.append(read_origin(line))
            except InvalidOrigin:
                wrong.append(line)
        if wrong:
            message = _(
                "This is no address of a website: {text}. Write it as https://shop.example.com, without a path."
            )
            raise forms.ValidationError(message.format(text=", ".join(wrong)[:200]))
        if len(found) > MOST_ORIGINS:
            raise forms.ValidationError(_("List at most %(count)d addresses.") % {"count": MOST_ORIGINS})
        return list(dict.fromkeys(found))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class SiteForm(forms.ModelForm):
    origins = OriginsField(
        label=gettext_lazy("Addresses"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "placeholder": "https://shop.example.com"}),
        help_text=gettext_lazy(
            "Where its pages are, one a line. https://*.example.com stands for every subdomain of it, and lets them"
            " share the visitor's cookie. Pages elsewhere are refused."
        ),
    )

    class Meta:
        model = Site
        fields = ("name", "origins", "is_active", "needs_consent", "honours_signals")
        widgets = {"name": UnfoldAdminTextInputWidget(attrs={"placeholder": gettext_lazy("Online shop")})}


@admin.register(Site)
class SiteAdmin(Noted, StateBelow, ModelAdmin):
    """The form says what a site may do; its second page how to install it, and whether that worked."""

    form = SiteForm
    list_display = ("name", "addresses", "state", "last_event")
    list_display_links = ("name",)
    list_disable_select_all = True
    ordering = ("name", "pk")
    sortable_by = ()
    actions = None
    fields = ("name", "origins", "is_active", "needs_consent", "honours_signals")
    change_form_outer_after_template = "contacts/sites/state.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/sites.css")}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:site_id>/install/", wrap(self.install_view), name="contacts_site_install"),
            path("<int:site_id>/check/", wrap(self.check_view), name="contacts_site_check"),
            *super().get_urls(),
        ]

    def response_add(self, request: HttpRequest, obj: Site, post_url_continue: str | None = None) -> HttpResponse:
        """To what comes next: its snippet."""
        super().response_add(request, obj, post_url_continue)
        return redirect("admin:contacts_site_install", obj.pk)

    def read_state(self, request: HttpRequest, site: Site) -> dict[str, Any]:
        return {"site_shown": site, **describe(site)}

    # Installing

    def find_site(self, request: HttpRequest, site_id: int) -> Site:
        """Raises where the user may not see it; these pages are only looked at."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Site, pk=site_id)

    def install_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        site = self.find_site(request, site_id)
        here = public_url(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": site,
            "title": _("Install web tracking"),
            "site_shown": site,
            **offer_snippet(SNIPPET % (here + reverse("web-script", args=[site.key]))),
            "examples": EXAMPLES,
            "policy": f"script-src {here}; connect-src {here}",
            "check_url": reverse("admin:contacts_site_check", args=[site.pk]),
            **describe(site),
        }
        return TemplateResponse(request, "contacts/sites/install.html", context)

    def check_view(self, request: HttpRequest, site_id: int) -> HttpResponse:
        """The live check, asked for again and again while the page is open."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        site = self.find_site(request, site_id)
        return TemplateResponse(request, "contacts/sites/check.html", {"site_shown": site, **describe(site)})

    # The list

    @display(description=gettext_lazy("addresses"))
    def addresses(self, site: Site) -> str:
        more = len(site.origins) - 2
        return ", ".join(site.origins[:2]) + (f" +{more}" if more > 0 else "")

    @display(description=gettext_lazy("state"), label=STATE_LABELS)
    def state(self, site: Site) -> tuple[str, str]:
        state = state_of(site)
        return state, str(STATE_WORDS[state])

    @display(description=gettext_lazy("last event"))
    def last_event(self, site: Site) -> str:
        return show_moment(site.last_event_at)


def describe(site: Site) -> dict[str, Any]:
    """What there is to see of it: its state, its last event, and a sample of the last hour."""
    state, now = state_of(site), timezone.now()
    return {
        "state": state,
        "state_words": STATE_WORDS[state],
        "received": say_ago(site.last_event_at, now),
        "latest": list(list_latest(site, now)),
    }


def say_ago(moment: datetime | None, now: datetime) -> str:
    """To the second while somebody watches, later as a date."""
    if moment is None:
        return ""
    seconds = max(int((now - moment).total_seconds()), 0)
    if seconds < 120:
        return ngettext("%(count)d second ago", "%(count)d seconds ago", seconds) % {"count": seconds}
    if seconds < 7_200:
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", seconds // 60) % {"count": seconds // 60}
    return show_moment(moment)


def list_latest(site: Site, now: datetime) -> Any:
    """Events of the last hour, newest first."""
    for event in site.latest:
        at = parse_datetime(event["at"])
        if at and at > now - SAMPLE:
            yield {"type": event["type"], "page": event["page"], "ago": say_ago(at, now)}
