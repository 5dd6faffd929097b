"""The state of an email or phone, changed by hand on the sheet: a person may unsubscribe, block, and lift all (T12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.absence import SheetFinder
from contacts.identity import lift_suppressions, suppress_addresses
from contacts.models import ChannelState, Contact, ContactState
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["ChannelVerbs", "Wish", "list_wishes"]

REASON: Final = "by hand"
COLUMNS: Final = ("email", "phone")


class Wish(NamedTuple):
    """What a person can do about a channel; ``said`` when it is done."""

    label: Any
    said: Any
    act: Callable[[str, str], object]


WISHES: Final[dict[str, Wish]] = {
    "lift": Wish(
        gettext_lazy("Make it active again"),
        gettext_lazy("{value} is active again, at every contact that has it."),
        lambda value, by: lift_suppressions([value], by=by),
    ),
    "unsubscribe": Wish(
        gettext_lazy("Unsubscribe"),
        gettext_lazy("{value} was unsubscribed, at every contact that has it."),
        lambda value, by: suppress_addresses([value], ChannelState.UNSUBSCRIBED, by=by, reason=REASON),
    ),
    "block": Wish(
        gettext_lazy("Block for good"),
        gettext_lazy("{value} was blocked, at every contact that has it. Only a person can lift it."),
        lambda value, by: suppress_addresses([value], ChannelState.BLACKLISTED, by=by, reason=REASON),
    ),
}


def list_wishes(state: int | None) -> list[tuple[str, Wish]]:
    """What makes sense of a channel in this state."""
    match state:
        case ChannelState.BLACKLISTED:
            names = ["lift"]
        case ChannelState.UNSUBSCRIBED | ChannelState.BOUNCED:
            names = ["lift", "block"]
        case _:
            names = ["unsubscribe", "block"]
    return [(name, WISHES[name]) for name in names]


class ChannelVerbs(SheetFinder):
    """Whoever may change the contact may change how it is reached."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.channel_view)
        return [path("<int:contact_id>/channel/", view, name="contacts_contact_channel"), *super().get_urls()]

    def channel_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """The state belongs to the value, so it must still be the one that the person saw."""
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        contact = self.find_sheet(request, contact_id)
        if contact is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        wish, value = WISHES.get(request.POST.get("wish", "")), read_value(contact, request.POST)
        if wish is None or not value:
            messages.error(request, _("The address was changed meanwhile, so nothing was done. Look at it again."))
            return redirect("admin:contacts_contact_change", contact_id)
        try:
            wish.act(value, actor_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
        else:
            messages.success(request, wish.said.format(value=value))
        return redirect("admin:contacts_contact_change", contact_id)


def read_value(contact: Contact, given: Any) -> str:
    """The address that is meant, empty where the contact has another one by now, or is deleted."""
    column = given.get("column")
    if column not in COLUMNS or contact.state != ContactState.ACTIVE:
        return ""
    value = getattr(contact, column) or ""
    return value if value == given.get("value") else ""
