"""Who has to wait before signing in again, and why; an administrator can end the wait."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from crm.admin.listing import ReadOnlyAdmin, UncountedList
from crm.admin.moments import show_moment
from crm.audit import Action, actor_of, note
from crm.login.attempts import unlock_rows
from crm.models import LoginAttempts

__all__ = ["LoginAttemptsAdmin"]


@admin.register(LoginAttempts)
class LoginAttemptsAdmin(ReadOnlyAdmin):
    list_display = ("whose", "failures", "failed", "locked")
    list_display_links = None
    list_select_related = ("user",)
    ordering = ("-failed_at", "-pk")
    actions = ("unlock",)

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("auth.change_user")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return redirect("admin:crm_loginattempts_changelist")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:crm_loginattempts_changelist")

    @admin.action(description=gettext_lazy("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[LoginAttempts]) -> None:
        rows = list(queryset.select_related("user"))
        unlock_rows([row.key for row in rows])
        for row in rows:
            of = f"auth.user:{row.user_id}" if row.user_id else ""
            note(Action.UNLOCKED, by=actor_of(request), about=of, details={"name": str(row)}, request=request)
        text = ngettext("%(count)d lock-out was ended.", "%(count)d lock-outs were ended.", len(rows))
        messages.success(request, text % {"count": len(rows)})

    @display(description=gettext_lazy("account or address"))
    def whose(self, row: LoginAttempts) -> str:
        return str(row)

    @display(description=gettext_lazy("last failure"))
    def failed(self, row: LoginAttempts) -> str:
        return show_moment(row.failed_at)

    @display(description=gettext_lazy("has to wait until"))
    def locked(self, row: LoginAttempts) -> str:
        return show_moment(row.locked_until) if row.locked_until and row.locked_until > timezone.now() else "—"
