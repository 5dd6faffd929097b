"""What an empty list says."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

__all__ = ["is_narrowed", "nothing_here"]

register = template.Library()


@register.filter
def is_narrowed(changelist: Any) -> bool:
    """By a search or by filters."""
    return bool(changelist.query or getattr(changelist, "has_active_filters", False))


@register.filter
def nothing_here(changelist: Any) -> str:
    if is_narrowed(changelist):
        return _("Nothing fits what you search for and filter by.")
    from crm.admin.nothing import say_nothing  # admins are loaded by then; templates are looked at before

    return say_nothing(changelist.model)
