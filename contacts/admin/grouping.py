"""Contacts and the segments they are in, through ``contacts.populations``: shown on the sheet, put in and taken out."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts import populations
from contacts.admin.actors import name_actors
from contacts.models import Contact, ContactState
from crm.errors import CardfileError

__all__ = ["ContactGrouping"]

NAME_AT_MOST: Final = 200
TYPES: Final[dict[str, Any]] = {
    "static": gettext_lazy("static"),
    "dynamic": gettext_lazy("dynamic"),
    "combined": gettext_lazy("combined"),
}


class SegmentChoice(forms.Form):
    """One of the static segments, or the name of a new one."""

    segment = forms.ChoiceField(label=gettext_lazy("Segment"), required=False, widget=UnfoldAdminSelectWidget)
    name = forms.CharField(
        label=gettext_lazy("Or a new one, by the name"),
        required=False,
        max_length=NAME_AT_MOST,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, data: Any = None, *, listed: list[tuple[int, str]], may_make: bool) -> None:
        super().__init__(data)
        choices = [("", "—"), *((str(number), name) for number, name in listed)]
        segment: Any = self.fields["segment"]
        segment.choices = choices
        if not may_make:
            del self.fields["name"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen, name = cleaned.get("segment"), cleaned.get("name")
        if not self.errors and bool(chosen) == bool(name):
            raise forms.ValidationError(_("Choose a segment, or write the name of a new one."))
        return cleaned

    @property
    def population(self) -> int | str:
        return int(self.cleaned_data["segment"]) if self.cleaned_data["segment"] else self.cleaned_data["name"]


class ContactGrouping(ModelAdmin):
    """Whoever may change segments puts contacts into static ones; whoever may add segments makes one on the way."""

    def has_regroup_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return self.has_view_permission(request, obj) and request.user.has_perm("segments.change_segment")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:contact_id>/segments/", wrap(self.segments_view), name="contacts_contact_segments"),
            path("<int:contact_id>/segments/join/", wrap(self.join_view), name="contacts_contact_join"),
            path("<int:contact_id>/segments/leave/", wrap(self.leave_view), name="contacts_contact_leave"),
            *super().get_urls(),
        ]

    # On the sheet

    def segments_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """What the contact is in at this moment, for the sheet's tab."""
        if not (self.has_view_permission(request) and request.user.has_perm("segments.view_segment")):
            raise PermissionDenied
        found = populations.current().places_of(contact_id)
        names = name_actors(place.by for place in found.here if place.by)
        rows = [
            {
                "place": place,
                "type": TYPES.get(place.population.type, ""),
                "who": names[place.by].label if place.by else "",
            }
            for place in found.here
        ]
        context = {
            "contact_id": contact_id,
            "rows": rows,
            "found": found,
            "form": self.build_form(request),
            "may_regroup": self.has_regroup_permission(request),
        }
        return TemplateResponse(request, "contacts/segment_rows.html", context)

    def join_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_regrouping(request)
        form = self.build_form(request, request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(line) for lines in form.errors.values() for line in lines))
        elif (count := self.put_in(request, form.population, [contact_id])) is not None:
            text = _("The contact was put into the segment.") if count else _("The contact is in it already.")
            messages.success(request, text)
        return redirect(sheet_of(contact_id))

    def leave_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_regrouping(request)
        given = request.POST.get("segment", "")
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        keeper = populations.current()
        try:
            count = keeper.remove(number, [contact_id], by=by_of(request)) if keeper.find(number) else 0
        except CardfileError as error:
            messages.error(request, _(error.message))
        else:
            text = _("The contact was taken out of the segment.") if count else _("The contact was not in it any more.")
            messages.success(request, text)
        return redirect(sheet_of(contact_id))

    def check_regrouping(self, request: HttpRequest) -> None:
        if request.method != "POST" or not self.has_regroup_permission(request):
            raise PermissionDenied

    # A selection

    @admin.action(description=gettext_lazy("Put into a segment…"), permissions=["regroup"])
    def add_to_segment(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        """Asks which one first; the page that asks carries the selection on."""
        contacts = self.read_selection(request, queryset)
        if contacts is None:
            return None
        form = self.build_form(request, request.POST if request.POST.get("post") else None)
        if form.is_valid():
            active = [contact.pk for contact in contacts if contact.state == ContactState.ACTIVE]
            count = self.put_in(request, form.population, active)
            if count is not None:
                text = ngettext("%(count)d contact is new in it.", "%(count)d contacts are new in it.", count)
                messages.success(request, text % {"count": count})
                return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Put into a segment"),
            "opts": self.opts,
            "contacts": contacts,
            "form": form,
            "action": "add_to_segment",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, "contacts/add_to_segment.html", context)

    def read_selection(self, request: HttpRequest, queryset: QuerySet[Contact]) -> list[Contact] | None:
        raise NotImplementedError

    def build_form(self, request: HttpRequest, data: Any = None) -> SegmentChoice:
        may_make = request.user.has_perm("segments.add_segment")
        return SegmentChoice(data, listed=populations.current().listed(), may_make=may_make)

    def put_in(self, request: HttpRequest, population: int | str, contact_ids: list[int]) -> int | None:
        """How many are new in it; None where it was refused, which is said."""
        try:
            return populations.current().add(population, contact_ids, by=by_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
        except IntegrityError:
            messages.error(request, _("There is a segment of this name since a moment ago. Choose it."))
        return None


def sheet_of(contact_id: int) -> str:
    return reverse("admin:contacts_contact_change", args=[contact_id]) + "#segments"


def by_of(request: HttpRequest) -> str:
    """Who writes, as memberships name them."""
    return f"user:{request.user.pk}"
