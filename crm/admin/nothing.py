"""What an empty list says: what would be here, and how it comes; a table that the rooms fill, a line for each list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

__all__ = ["link_style", "register", "say_nothing"]

_words: dict[str, Any] = {
    "auth.user": gettext_lazy("Nobody may sign in yet. Invite a colleague."),
    "crm.apikey": gettext_lazy("No other system may read or write yet. Make a key for each that shall."),
    "crm.auditentry": gettext_lazy("Nothing was noted yet."),
    "crm.loginattempts": gettext_lazy("Nobody is locked out."),
}


def register(words: Mapping[str, Any]) -> None:
    """By the label of the model."""
    _words.update(words)


def say_nothing(model: type[Model]) -> str:
    """Of a list that nobody narrowed."""
    return str(_words.get(model._meta.label_lower, "")) or _("Nothing is here yet.")


def link_style(request: HttpRequest) -> str:
    """The style sheet of every page of the back office."""
    return static("crm/admin.css")
