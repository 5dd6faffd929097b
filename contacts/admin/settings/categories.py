"""Subscription categories: named and described, offered or archived."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget

from contacts.models import SubscriptionCategory
from crm.admin.noted import Noted

__all__ = ["SubscriptionCategoryAdmin"]


class CategoryForm(forms.ModelForm):
    is_archived = forms.BooleanField(
        label=gettext_lazy("Archived"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=gettext_lazy("Not offered any more. What was agreed to stands, and calls that name it go on."),
    )

    class Meta:
        model = SubscriptionCategory
        fields = ("key", "name", "description", "is_default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_archived"] = self.instance.archived_at is not None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("is_archived"):
            self.instance.archived_at = None
        elif self.instance.archived_at is None:
            self.instance.archived_at = timezone.now()
        return cleaned


@admin.register(SubscriptionCategory)
class SubscriptionCategoryAdmin(Noted, ModelAdmin):
    """The key stays as it was made: consents name it."""

    form = CategoryForm
    list_display = ("key", "name", "is_default", "is_offered")
    search_fields = ("key", "name")
    ordering = ("key",)
    list_disable_select_all = True
    actions = None
    fields = ("key", "name", "description", "is_default", "is_archived")

    @display(description=gettext_lazy("offered"), boolean=True)
    def is_offered(self, category: SubscriptionCategory) -> bool:
        return category.archived_at is None

    def get_readonly_fields(self, request: HttpRequest, obj: SubscriptionCategory | None = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: SubscriptionCategory | None = None) -> bool:
        """Consents name it; it is archived instead."""
        return False
