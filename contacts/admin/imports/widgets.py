"""Inputs of the import's pages.

A select's options are rendered once for many: a file may have a thousand columns, a contact a hundred fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.models import SubscriptionCategory

__all__ = ["CategoryInput", "SharedOptions", "SharedSelect"]


class SharedOptions:
    """Choices, with groups as Django has them, and their HTML."""

    def __init__(self, choices: Iterable[tuple[Any, Any]]) -> None:
        self.choices = list(choices)
        self.html = _render(self.choices)

    def select(self, value: Any) -> SafeString:
        """The HTML with this one selected."""
        chosen = f'value="{escape(value)}"'
        return mark_safe(self.html.replace(f"<option {chosen}>", f"<option {chosen} selected>", 1))  # noqa: S308


class SharedSelect(forms.Select):
    """Looks like ``model``, a select of unfold's, and has its media."""

    def __init__(self, options: SharedOptions, model: forms.Select) -> None:
        super().__init__(model.attrs)
        self.shared, self.model = options, model

    @property
    def media(self) -> forms.Media:
        return self.model.media

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        given = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(given), self.shared.select("" if value is None else value))


class CategoryInput(UnfoldAdminTextInputWidget):
    """A text, with the categories that are offered proposed; ``attrs`` names the list of them."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        offered = SubscriptionCategory.objects.filter(archived_at=None).values_list("key", "name")[:500]
        options = format_html_join("", '<option value="{}">{}</option>', offered)
        listed = format_html('<datalist id="{}">{}</datalist>', self.attrs["list"], options)
        return format_html("{}{}", super().render(name, value, attrs, renderer), listed)


def _render(choices: Iterable[tuple[Any, Any]]) -> SafeString:
    return format_html_join("", "{}", ((_render_one(value, label),) for value, label in choices))


def _render_one(value: Any, label: Any) -> SafeString:
    if isinstance(label, (list, tuple)):
        return format_html('<optgroup label="{}">{}</optgroup>', value, _render(label))
    return format_html('<option value="{}">{}</option>', value, label)
