"""Roles: what each may do, in words, how many have it, and whether it takes two-factor login."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from crm.admin.listing import UncountedList
from crm.admin.noted import Noted
from crm.models import Role
from crm.roles import ADMINISTRATOR, ROLES, forget_required

__all__ = ["RoleAdmin"]

admin.site.unregister(Group)


@admin.register(Role)
class RoleAdmin(Noted, ModelAdmin):
    """What a role may do is a rule of ``crm.roles``; here is decided what it takes to come in."""

    list_display = ("label", "says", "people", "two_factor_shown")
    list_display_links = ("label",)
    list_disable_select_all = True
    show_full_result_count = False
    ordering = ("pk",)
    sortable_by = ()
    actions = None
    fields = ("label", "says", "two_factor_required")
    readonly_fields = ("label", "says")

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        has_it = Count("group__user", filter=Q(group__user__is_active=True, group__user__is_superuser=False))
        return Role.objects.annotate(people=has_it).order_by("pk")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_required()

    @display(description=gettext_lazy("role"))
    def label(self, role: Role) -> str:
        return str(ROLES[role.key].label) if role.key in ROLES else role.key

    @display(description=gettext_lazy("may do"))
    def says(self, role: Role) -> str:
        return str(ROLES[role.key].says) if role.key in ROLES else "—"

    @display(description=gettext_lazy("people"))
    def people(self, role: Any) -> str:
        if role.key == ADMINISTRATOR:
            return str(User.objects.filter(is_active=True, is_superuser=True).count())
        return str(role.people)

    @display(description=gettext_lazy("two-factor login"), boolean=True)
    def two_factor_shown(self, role: Role) -> bool:
        return role.two_factor_required

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
