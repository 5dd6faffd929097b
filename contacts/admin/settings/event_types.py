"""Event types: made the first time an event arrives, named here, with what their events were seen to have."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from contacts.activity.event_types import last_event_at
from contacts.activity.parameters import MOST_NAMES, list_parameters
from contacts.activity.unmatched import count_waiting
from contacts.admin.imports.words import say_number
from contacts.admin.journal import show_moment
from contacts.admin.settings.page import say_at_least
from contacts.models import EventType
from crm.admin.noted import Noted
from crm.admin.own_page import StateBelow

__all__ = ["EventTypeAdmin"]

WAITING_COUNTED: Final = 10_000
KIND_WORDS: Final[dict[str, Any]] = {
    "text": gettext_lazy("text"),
    "number": gettext_lazy("number"),
    "boolean": gettext_lazy("yes or no"),
    "date": gettext_lazy("date"),
    "list": gettext_lazy("list"),
    "object": gettext_lazy("object"),
}


class ShownParameter(NamedTuple):
    """A parameter as its row says it."""

    name: str
    kinds: str
    first_seen: str
    last_seen: str


@admin.register(EventType)
class EventTypeAdmin(Noted, StateBelow, ModelAdmin):
    """The key stays as it was made: whoever sends events names it."""

    list_display = ("key", "name", "when_nobody", "is_for_segments", "description_shown")
    search_fields = ("key", "name", "description")
    ordering = ("key",)
    list_disable_select_all = True
    actions = None
    fields = ("key", "name", "description", "when_nobody", "is_once_per_key", "is_for_segments")
    change_form_outer_after_template = "contacts/settings/event_type.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/settings.css")}

    @display(description=gettext_lazy("description"))
    def description_shown(self, kind: EventType) -> str:
        return kind.description[:80] + ("…" if len(kind.description) > 80 else "")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "description":
            kwargs["widget"] = UnfoldAdminTextareaWidget(attrs={"rows": 3})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: EventType | None = None) -> bool:
        """Events name it."""
        return False

    def read_state(self, request: HttpRequest, kind: EventType) -> dict[str, Any]:
        waiting, last = count_waiting(kind.pk, limit=WAITING_COUNTED + 1), last_event_at(kind.pk)
        return {
            "kind": kind,
            "last_event": show_moment(last) if last else "",
            "waiting": say_at_least(min(waiting, WAITING_COUNTED), is_exact=waiting <= WAITING_COUNTED),
            "is_any_waiting": waiting > 0,
            "parameters": [show_parameter(*parameter) for parameter in list_parameters(kind.pk)],
            "most_names": say_number(MOST_NAMES),
        }


def show_parameter(name: str, kinds: list[str], first: datetime, last: datetime) -> ShownParameter:
    said = ", ".join(str(KIND_WORDS[kind]) for kind in kinds if kind in KIND_WORDS)
    return ShownParameter(name, said, show_moment(first), show_moment(last))
