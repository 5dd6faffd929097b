"""Settings that decide how contacts are read and matched: account, policy, junk, custom fields, event types."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from zoneinfo import available_timezones

import phonenumbers
import re2
from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from contacts.columns import SYSTEM_COLUMNS
from contacts.identity.types import STANDARD, STRICT, PolicyRules
from contacts.imports.links import read_hosts
from contacts.keys import KEYS
from contacts.models import Account, CustomField, EventType, FieldType, JunkValue, Policy
from crm.outbound import AddressUnreadable

__all__ = ["AccountAdmin", "CustomFieldAdmin", "EventTypeAdmin", "JunkValueAdmin", "PolicyAdmin"]

RESERVED_KEYS: Final = frozenset(KEYS) | {column.key for column in SYSTEM_COLUMNS}
"""Words that name a key or a column already, so that a custom field called so could not be meant."""
EVERYDAY_VALUES: Final = ("A-1", "olena@example.com", "+380501234567", "шевченко")
"""A pattern that refuses all of these refuses everybody."""
CHOICE_TYPES: Final = frozenset({FieldType.CHOICE, FieldType.CHOICES})
KEY_TYPES: Final = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.CHOICE})


class SingleRowAdmin(ModelAdmin):
    """One row of settings: its list is its form."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        row = self.model.objects.order_by("pk").first()
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return redirect(f"{name}_change", row.pk) if row else redirect(f"{name}_add")

    def has_add_permission(self, request: HttpRequest) -> bool:
        allowed: bool = super().has_add_permission(request)
        return allowed and not self.model.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AccountForm(forms.ModelForm):
    default_phone_country = forms.ChoiceField(
        label=gettext_lazy("Default phone country"),
        choices=lambda: [(code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS)],
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("National phone numbers are read as numbers of this country."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=lambda: [(zone, zone) for zone in sorted(available_timezones())],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Account
        fields = ("name", "default_phone_country", "time_zone", "upload_hosts")
        widgets = {"upload_hosts": UnfoldAdminTextareaWidget(attrs={"rows": 4})}

    def clean_upload_hosts(self) -> str:
        text = str(self.cleaned_data["upload_hosts"])
        try:
            read_hosts(text)
        except AddressUnreadable as error:
            message = _("“{line}” is no name of a host. Write it as files.example.com, one a line.")
            raise forms.ValidationError(message.format(line=error.path[:100])) from error
        return text


@admin.register(Account)
class AccountAdmin(SingleRowAdmin):
    form = AccountForm


@admin.register(Policy)
class PolicyAdmin(SingleRowAdmin):
    """The form, and one button for each preset."""

    actions_submit_line = ("set_standard", "set_strict")
    fieldsets = (
        (gettext_lazy("External ID"), {"fields": (
            "external_id_max_length", "external_id_attaches_to_found", "external_ids_may_share_channels",
        )}),
        (gettext_lazy("Tracking"), {"fields": (
            "tracking_may_set_external_id", "tracking_may_replace_channels", "merge_anonymous",
        )}),
        (gettext_lazy("Retention"), {"fields": ("anonymous_erased_after_days", "visitors_erased_after_days")}),
    )  # fmt: skip

    @action(description=gettext_lazy("Set to Standard"), permissions=["change"], variant=ActionVariant.DEFAULT)
    def set_standard(self, request: HttpRequest, obj: Policy) -> None:
        set_policy(obj, STANDARD)
        messages.success(request, _("The Standard preset is in force."))

    @action(description=gettext_lazy("Set to Strict"), permissions=["change"], variant=ActionVariant.DEFAULT)
    def set_strict(self, request: HttpRequest, obj: Policy) -> None:
        set_policy(obj, STRICT)
        messages.success(request, _("The Strict preset is in force."))


def set_policy(policy: Policy, rules: PolicyRules) -> None:
    """Give the row the values of a preset."""
    for name, value in asdict(rules).items():
        setattr(policy, name, value)
    policy.save()


class JunkValueForm(forms.ModelForm):
    """A pattern is tried before it is kept, so that no record ever meets a broken one."""

    class Meta:
        model = JunkValue
        fields = ("value", "is_pattern")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_pattern") and cleaned.get("value"):
            self.check_pattern(cleaned["value"])
        return cleaned

    def check_pattern(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            pattern = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
            self.add_error("value", _("This is no RE2 pattern: {reason}. Correct it.").format(reason=reason))
            return
        if all(pattern.search(value) for value in EVERYDAY_VALUES):
            self.add_error("value", _("This pattern matches everything, so nobody could be found any more. Narrow it."))


@admin.register(JunkValue)
class JunkValueAdmin(ModelAdmin):
    form = JunkValueForm
    list_display = ("value", "is_pattern_shown")
    search_fields = ("value",)
    ordering = ("value",)
    list_disable_select_all = True

    @display(description=gettext_lazy("pattern"), boolean=True)
    def is_pattern_shown(self, junk: JunkValue) -> bool:
        return junk.is_pattern

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[JunkValue]) -> None:
        """One by one, so that every process hears of it."""
        for junk in queryset:
            junk.delete()


class CustomFieldForm(forms.ModelForm):
    """Options are written one a line."""

    options = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=gettext_lazy("One a line, for the types “one of” and “several of”."),
    )

    class Meta:
        model = CustomField
        fields = ("label", "key", "type", "group", "options", "required", "can_be_key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["options"] = "\n".join(self.instance.options)

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if key in RESERVED_KEYS:
            raise forms.ValidationError(_("This word is a column of every contact already. Choose another key."))
        return key

    def clean_options(self) -> list[str]:
        lines = (line.strip() for line in self.cleaned_data["options"].splitlines())
        options = [line for line in lines if line]
        if len({option.casefold() for option in options}) < len(options):
            raise forms.ValidationError(_("An option is there twice. Write each one once."))
        return options

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("type", self.instance.type)
        if kind in CHOICE_TYPES and not cleaned.get("options") and "options" not in self.errors:
            self.add_error("options", _("Write at least one option."))
        if kind not in CHOICE_TYPES:
            cleaned["options"] = []
        if cleaned.get("can_be_key") and kind not in KEY_TYPES:
            self.add_error("can_be_key", _("Only a text, a number or one of several options can be a key."))
        return cleaned


@admin.register(CustomField)
class CustomFieldAdmin(ModelAdmin):
    """The key, the type and whether it can be a key stay as they were made: values of contacts depend on them."""

    form = CustomFieldForm
    list_display = ("label", "key", "type", "group", "required", "can_be_key")
    list_filter = ("type",)
    search_fields = ("label", "key")
    list_disable_select_all = True
    prepopulated_fields = {"key": ("label",)}
    fields = ("label", "key", "type", "group", "options", "required", "can_be_key")

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> tuple[str, ...]:
        return ("key", "type", "can_be_key") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: CustomField | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: CustomField | None = None) -> bool:
        """Its values would stay behind on the contacts, where nobody sees them."""
        return False


@admin.register(EventType)
class EventTypeAdmin(ModelAdmin):
    list_display = ("key", "name", "creates_contacts")
    search_fields = ("key", "name")
    ordering = ("key",)
    list_disable_select_all = True

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: EventType | None = None) -> bool:
        """Events name it."""
        return False
