"""Finding the contact that a page is about, and what to say where it has no sheet."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from contacts.models import Contact, ContactState

__all__ = ["WITH_SHEET", "SheetFinder"]

WITH_SHEET: Final = (ContactState.ACTIVE, ContactState.DELETED)
LONGEST_NUMBER: Final = 18
"""Digits of an id; more than that would be too much for the database."""


class SheetFinder(ModelAdmin):
    """A merged contact is found at its survivor; one that is unknown or erased is said to be so."""

    def read_number(self, object_id: str) -> int | None:
        """The id that stands in an address, None where it is none."""
        is_number = object_id.isascii() and object_id.isdecimal() and len(object_id) <= LONGEST_NUMBER
        return int(object_id) if is_number else None

    def find_contact(self, object_id: str) -> Contact | None:
        """In any state."""
        number = self.read_number(object_id)
        return None if number is None else Contact.objects.filter(pk=number).first()

    def find_sheet(self, request: HttpRequest, contact_id: int) -> Contact | None:
        """The contact if it has a sheet; raises where the user may see none."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        contact = self.find_contact(str(contact_id))
        return contact if contact is not None and contact.state in WITH_SHEET else None

    def explain_absence(self, request: HttpRequest, object_id: str, contact: Contact | None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if contact is not None and contact.state == ContactState.MERGED:
            text = _("Contact {number} was merged into this one.").format(number=contact.pk)
            if request.method == "POST":
                text += " " + _("What you wrote was not saved; write it here.")
            messages.info(request, text)
            return redirect("admin:contacts_contact_change", contact.merged_into_id)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("No such contact"),
            "opts": self.opts,
            "number": object_id,
            "was_erased": contact is not None,
        }
        return TemplateResponse(request, "contacts/not_found.html", context, status=404)
