"""API keys: made here, shown once, disabled rather than forgotten."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from crm.api.keys import create_api_key
from crm.models import ApiKey

__all__ = ["ApiKeyAdmin"]


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = ("name", "prefix", "scope", "is_valid", "last_used_at", "expires_at", "created_at")
    list_filter = ("scope",)
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "last_used_at", "disabled_at")
    actions = ("disable",)

    @display(description=_("valid"), boolean=True)
    def is_valid(self, key: ApiKey) -> bool:
        return key.is_valid

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("name", "scope", "expires_at", *(self.readonly_fields if obj else ()))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "ModelForm[ApiKey]", change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        key, secret = create_api_key(obj.name, scope=obj.scope, expires_at=obj.expires_at)
        obj.pk, obj.prefix, obj.digest = key.pk, key.prefix, key.digest
        obj._state.adding = False
        messages.warning(request, gettext("Copy the key now, it is not shown again: %(key)s") % {"key": secret})

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        count = queryset.filter(disabled_at=None).update(disabled_at=timezone.now())
        text = ngettext("%(count)d key was disabled.", "%(count)d keys were disabled.", count)
        messages.success(request, text % {"count": count})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key stands behind changes in the journal, so it is disabled instead."""
        return False
