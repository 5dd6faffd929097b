"""Event types: made the first time an event arrives, named here."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from contacts.models import EventType
from crm.admin.noted import Noted

__all__ = ["EventTypeAdmin"]


@admin.register(EventType)
class EventTypeAdmin(Noted, ModelAdmin):
    list_display = ("key", "name", "when_nobody")
    search_fields = ("key", "name")
    ordering = ("key",)
    list_disable_select_all = True

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: EventType | None = None) -> bool:
        """Events name it."""
        return False
