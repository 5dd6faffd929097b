"""API keys: made here, shown once, disabled rather than forgotten."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from crm.admin.listing import UncountedList
from crm.api.keys import create_api_key, forget_found_keys
from crm.audit import Action, about, actor_of, note, noted_change
from crm.login.confirming import confirmed_lately
from crm.models import UNUSED_AFTER, ApiKey

__all__ = ["ApiKeyAdmin"]

DISABLED, EXPIRED, FORGOTTEN, VALID = "disabled", "expired", "forgotten", "valid"
CONDITIONS = {
    DISABLED: _("disabled"),
    EXPIRED: _("expired"),
    FORGOTTEN: _("not used for 90 days"),
    VALID: _("valid"),
}
LABELS = {DISABLED: "danger", EXPIRED: "danger", FORGOTTEN: "warning", VALID: "success"}


def condition_of(key: ApiKey) -> str:
    if key.disabled_at:
        return DISABLED
    if not key.is_valid:
        return EXPIRED
    return FORGOTTEN if key.is_forgotten else VALID


class ConditionFilter(admin.SimpleListFilter):
    title = _("condition")
    parameter_name = "condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(CONDITIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        now = timezone.now()
        expired, long_ago = Q(expires_at__lte=now), now - UNUSED_AFTER
        unused = Q(last_used_at__lt=long_ago) | Q(last_used_at=None, created_at__lt=long_ago)
        enabled = Q(disabled_at=None)
        meant = {
            DISABLED: ~enabled,
            EXPIRED: enabled & expired,
            FORGOTTEN: enabled & ~expired & unused,
            VALID: enabled & ~expired & ~unused,
        }
        return queryset.filter(meant.get(self.value() or "", Q()))


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    show_full_result_count = False
    list_disable_select_all = True
    list_display = (
        "name",
        "prefix",
        "scope",
        "condition",
        "calls_a_second",
        "last_used_at",
        "expires_at",
        "created_at",
    )
    list_filter = (ConditionFilter, "scope")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "created_at", "last_used_at", "disabled_at")
    actions = ("disable", "enable")

    @display(description=_("condition"), label={str(CONDITIONS[name]): color for name, color in LABELS.items()})
    def condition(self, key: ApiKey) -> str:
        return str(CONDITIONS[condition_of(key)])

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("name", "scope", "expires_at", "calls_a_second", *(self.readonly_fields if obj else ()))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if request.method == "GET":
            warn_of_forgotten(request)
        return super().changelist_view(request, extra_context)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    @confirmed_lately
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().add_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "ModelForm[ApiKey]", change: bool) -> None:
        if change:
            with noted_change(obj, request=request):
                super().save_model(request, obj, form, change)
            forget_found_keys()
            return
        key, secret = create_api_key(
            obj.name, scope=obj.scope, expires_at=obj.expires_at, calls_a_second=obj.calls_a_second
        )
        obj.pk, obj.prefix, obj.digest = key.pk, key.prefix, key.digest
        obj._state.adding = False
        note_key(request, Action.KEY_MADE, key, scope=key.get_scope_display(), expires_at=key.expires_at)
        messages.warning(request, gettext("Copy the key now, it is not shown again: %(key)s") % {"key": secret})

    @admin.action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = list(queryset.filter(disabled_at=None))
        count = ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(disabled_at=timezone.now())
        for key in keys:
            note_key(request, Action.KEY_DISABLED, key)
        forget_found_keys()
        text = ngettext("%(count)d key was disabled.", "%(count)d keys were disabled.", count)
        messages.success(request, text % {"count": count})

    @admin.action(description=_("Enable again"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = list(queryset.exclude(disabled_at=None))
        count = ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(disabled_at=None)
        for key in keys:
            note_key(request, Action.KEY_ENABLED, key)
        forget_found_keys()
        text = ngettext("%(count)d key was enabled.", "%(count)d keys were enabled.", count)
        messages.success(request, text % {"count": count})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key stands behind changes in the journal, so it is disabled instead."""
        return False


def note_key(request: HttpRequest, action: Action, key: ApiKey, **details: Any) -> None:
    """Never the secret; its beginning is in the key's name."""
    note(action, by=actor_of(request), about=about(key), details={"name": str(key), **details}, request=request)


def warn_of_forgotten(request: HttpRequest) -> None:
    """Nothing is switched off by itself: a system that calls once a year may still need its key."""
    names = [key.name for key in ApiKey.objects.filter(disabled_at=None) if key.is_forgotten]
    if names:
        text = ngettext(
            "This key has not been used for %(days)d days. Disable it if nobody needs it: %(names)s.",
            "These keys have not been used for %(days)d days. Disable those that nobody needs: %(names)s.",
            len(names),
        )
        messages.warning(request, text % {"days": UNUSED_AFTER / timedelta(days=1), "names": ", ".join(names)})
