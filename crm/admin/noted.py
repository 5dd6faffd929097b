"""Settings whose forms write down in the audit log what was changed, by whom, from what to what.

class PolicyAdmin(Noted, ModelAdmin):
    noted_hidden = ("url",)  # of these only that they changed
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from crm.audit import Action, about, actor_of, note, noted_change

__all__ = ["Noted"]


class Noted:
    """To be named before ``ModelAdmin``. What else saves the row uses ``crm.audit.noted_change`` itself."""

    noted_hidden: tuple[str, ...] = ()

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        with noted_change(obj, request=request, hidden=self.noted_hidden):
            super().save_model(request, obj, form, change)  # type: ignore[misc]

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.note_deleted(request, obj)
        super().delete_model(request, obj)  # type: ignore[misc]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.note_deleted(request, obj)
        super().delete_queryset(request, queryset)  # type: ignore[misc]

    def note_deleted(self, request: HttpRequest, obj: Model) -> None:
        note(Action.DELETED, by=actor_of(request), about=about(obj), details={"name": str(obj)}, request=request)
