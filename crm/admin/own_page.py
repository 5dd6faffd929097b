"""What stands on a page below its form: the state of what was set, and what can be done with it.

class WebhookAdmin(OwnPage, ModelAdmin):
    change_form_outer_after_template = "contacts/webhook_state.html"

    def read_state(self, request, webhook): …
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

__all__ = ["OwnPage", "StateBelow"]

LONGEST_ID: Final = 19


class StateBelow:
    """To be named before ``ModelAdmin``. The audit log stands for the history of its rows."""

    model: Any

    def read_state(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the template below the form is filled with."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        found = None
        if object_id.isdecimal() and len(object_id) <= LONGEST_ID:
            found = self.model._default_manager.filter(pk=object_id).first()
        state = self.read_state(request, found) if found else {}
        extra = {"show_history": False, **state, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra)  # type: ignore[misc]


class OwnPage(StateBelow):
    """Whoever adds one is led to its page, where the next step stands; the list has nothing to do with it."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        super().response_add(request, obj, post_url_continue)  # type: ignore[misc]
        return redirect(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", obj.pk)
