"""Subscription forms: what each asks and what becomes of whoever sends it, its address, and a copy for other pages."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.admin.asking import AskedField
from contacts.admin.copying import copy_of, offer_snippet
from contacts.admin.journal import show_moment
from contacts.models import SubscriptionCategory, SubscriptionForm
from contacts.models.subscription_form import ask_for_email
from contacts.populations import current
from contacts.subscribing import read_asked
from contacts.subscribing.inputs import HONEYPOT, list_inputs
from crm.addresses import public_url
from crm.admin.noted import Noted
from crm.admin.own_page import OwnPage

__all__ = ["SubscriptionFormAdmin"]

ADDRESS: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?([/?#][^\s\x00-\x1f]*)?", re.ASCII | re.IGNORECASE)
REACHES: Final = frozenset({"email", "phone"})
CATEGORIES_AT_MOST: Final = 500


class SubscriptionFormForm(forms.ModelForm):
    fields = AskedField(  # type: ignore[assignment]  # Django takes it out of the class
        label=gettext_lazy("Fields"), initial=ask_for_email
    )
    groups = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Segments"),
        choices=lambda: current().listed(),
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=gettext_lazy("Whoever sends the form is put into these static segments."),
    )
    categories = forms.MultipleChoiceField(
        label=gettext_lazy("Subscription categories"),
        choices=lambda: list_categories(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=gettext_lazy("What whoever sends the form agrees to. None: those that are agreed to by default."),
    )

    class Meta:
        model = SubscriptionForm
        fields = (
            "name", "is_active", "title", "intro", "fields", "consent_text", "button", "groups", "categories",
            "thanks", "redirect_url",
        )  # fmt: skip
        widgets = {
            **{name: UnfoldAdminTextareaWidget(attrs={"rows": 3}) for name in ("intro", "consent_text", "thanks")},
            "button": UnfoldAdminTextInputWidget(attrs={"placeholder": gettext_lazy("Subscribe")}),
            "title": UnfoldAdminTextInputWidget(attrs={"placeholder": gettext_lazy("Subscribe")}),
            "redirect_url": UnfoldAdminTextInputWidget(attrs={"inputmode": "url"}),
        }

    def clean_fields(self) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = self.cleaned_data["fields"]
        if not any(one["column"] in REACHES for one in asked):
            raise forms.ValidationError(_("Ask for the email or the phone: without either nobody can be reached."))
        return asked

    def clean_redirect_url(self) -> str:
        address = str(self.cleaned_data["redirect_url"]).strip()
        if address and not ADDRESS.fullmatch(address):
            raise forms.ValidationError(_("Write the address as https://shop.example.com/thanks."))
        return address


def list_categories() -> list[tuple[str, str]]:
    offered = SubscriptionCategory.objects.filter(archived_at=None).order_by("key")[:CATEGORIES_AT_MOST]
    return [(category.key, str(category)) for category in offered]


@admin.register(SubscriptionForm)
class SubscriptionFormAdmin(Noted, OwnPage, ModelAdmin):
    """A form stands in other people's pages, so it is closed rather than deleted."""

    form = SubscriptionFormForm
    list_display = ("name", "state", "asks", "last_sent")
    list_display_links = ("name",)
    list_disable_select_all = True
    ordering = ("name", "pk")
    sortable_by = ()
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "is_active")}),
        (gettext_lazy("What people see"), {"fields": ("title", "intro", "fields", "consent_text", "button")}),
        (gettext_lazy("What becomes of them"), {"fields": ("groups", "categories")}),
        (gettext_lazy("Afterwards"), {"fields": ("thanks", "redirect_url")}),
    )
    change_form_outer_after_template = "contacts/form_install.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/forms.css")}
        js = ("contacts/copy.js",)

    def has_delete_permission(self, request: HttpRequest, obj: SubscriptionForm | None = None) -> bool:
        return False

    def read_state(self, request: HttpRequest, form: SubscriptionForm) -> dict[str, Any]:
        """Where the form is, and what to copy."""
        site = public_url(request)
        address = site + reverse("subscription-form", args=[form.key])
        copies = {"copy_address": copy_of("cf-form-address"), **offer_snippet(write_snippet(form, address))}
        return {"placed": form, "address": address, **copies}

    # The list

    @display(description=gettext_lazy("state"), label={"open": "success", "closed": "default"})
    def state(self, form: SubscriptionForm) -> tuple[str, str]:
        return ("open", _("Open")) if form.is_active else ("closed", _("Closed"))

    @display(description=gettext_lazy("asks"))
    def asks(self, form: SubscriptionForm) -> str:
        return ", ".join(one.label for one in read_asked(form))

    @display(description=gettext_lazy("last sent"))
    def last_sent(self, form: SubscriptionForm) -> str:
        return show_moment(form.last_sent_at)


def write_snippet(form: SubscriptionForm, address: str) -> str:
    """The form as HTML without a script or a style, for any page."""
    context = {"form": form, "address": address, "fields": list(list_inputs(read_asked(form))), "honeypot": HONEYPOT}
    lines = render_to_string("contacts/public/snippet.html", context).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
