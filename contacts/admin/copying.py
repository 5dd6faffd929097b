"""Buttons that copy what stands on a page: see ``static/contacts/copy.js``."""

from __future__ import annotations

from django.utils.translation import gettext as _

__all__ = ["copy_of", "offer_snippet"]


def offer_snippet(snippet: str) -> dict[str, object]:
    """What ``contacts/snippet.html`` asks for."""
    return {"snippet": snippet, "copy_snippet": copy_of("cf-snippet")}


def copy_of(element: str) -> dict[str, str]:
    """What makes a button copy this element."""
    return {"type": "button", "data-copy": element, "data-copied": _("Copied.")}
