"""Contacts and the segments they are in, through ``contacts.populations``: shown on the sheet, put in and taken out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin

from contacts import populations
from contacts.admin.sheet_segments import SegmentChoice
from contacts.models import Contact, ContactState
from crm.errors import CardfileError

__all__ = ["ContactGrouping"]


class ContactGrouping(ModelAdmin):
    """Whoever may change segments puts contacts into static ones; whoever may add segments makes one on the way."""

    def has_regroup_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return self.has_view_permission(request, obj) and request.user.has_perm("segments.change_segment")

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


def by_of(request: HttpRequest) -> str:
    """Who writes, as memberships name them."""
    return f"user:{request.user.pk}"
