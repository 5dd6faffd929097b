"""The segments of one contact, through ``contacts.populations``: shown on its sheet, put in and taken out there."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts import populations
from contacts.admin.absence import SheetFinder
from contacts.admin.actors import name_actors
from contacts.models import Contact
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["SegmentChoice", "SheetSegments"]

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


class SheetSegments(SheetFinder):
    """Whoever may change segments puts the contact into static ones; whoever may add segments makes one on the way."""

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

    def segments_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """What the contact is in at this moment: for the tab, or as ``?chips=1`` in short for the summary."""
        if not (self.has_view_permission(request) and request.user.has_perm("segments.view_segment")):
            raise PermissionDenied
        found = populations.current().places_of(contact_id)
        context: dict[str, Any] = {"contact_id": contact_id, "found": found}
        if request.GET.get("chips"):
            shown = [place.population for place in found.here]
            return TemplateResponse(request, "contacts/chips.html", context | {"segments": shown, "is_asked": True})
        names = name_actors(place.by for place in found.here if place.by)
        rows = [
            {
                "place": place,
                "type": TYPES.get(place.population.type, ""),
                "who": names[place.by].label if place.by else "",
            }
            for place in found.here
        ]
        may_regroup = self.has_regroup_permission(request)
        context |= {
            "rows": rows,
            "form": self.choose_segment(request) if may_regroup else None,
            "may_regroup": may_regroup,
        }
        return TemplateResponse(request, "contacts/segment_rows.html", context)

    def join_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_regrouping(request)
        if self.find_sheet(request, contact_id) is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        form = self.choose_segment(request, request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(line) for lines in form.errors.values() for line in lines))
            return redirect(segments_of(contact_id))
        try:
            count = populations.current().add(form.population, [contact_id], by=actor_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
        except IntegrityError:
            messages.error(request, _("There is a segment of this name since a moment ago. Choose it."))
        else:
            text = _("The contact was put into the segment.") if count else _("The contact is in it already.")
            messages.success(request, text)
        return redirect(segments_of(contact_id))

    def leave_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_regrouping(request)
        if self.find_sheet(request, contact_id) is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        given = request.POST.get("segment", "")
        number = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
        keeper = populations.current()
        try:
            count = keeper.remove(number, [contact_id], by=actor_of(request)) if keeper.find(number) else 0
        except CardfileError as error:
            messages.error(request, _(error.message))
        else:
            text = _("The contact was taken out of the segment.") if count else _("The contact was not in it any more.")
            messages.success(request, text)
        return redirect(segments_of(contact_id))

    def check_regrouping(self, request: HttpRequest) -> None:
        if request.method != "POST" or not self.has_regroup_permission(request):
            raise PermissionDenied

    def choose_segment(self, request: HttpRequest, data: Any = None) -> SegmentChoice:
        may_make = request.user.has_perm("segments.add_segment")
        return SegmentChoice(data, listed=populations.current().listed(), may_make=may_make)


def segments_of(contact_id: int) -> str:
    return reverse("admin:contacts_contact_change", args=[contact_id]) + "#segments"
