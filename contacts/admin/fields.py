"""One input for each column of the registry: how a stored value is shown in it, and what was typed into it.

An input checks nothing but its own shape; what a value may be is said by ``contacts.normalize``, once for all doors.
No input has a maximum length: browsers would cut what is pasted, and a value is refused rather than cut.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.forms.utils import flatatt
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.columns import Column

__all__ = ["build_field", "is_same", "show_in_input"]

INPUT_ATTRIBUTES: Final[dict[str, dict[str, str]]] = {
    "email": {"inputmode": "email"},
    "phone": {"inputmode": "tel"},
    "number": {"inputmode": "numeric"},
    "decimal": {"inputmode": "decimal"},
    "date": {"type": "date"},
    "datetime": {"type": "datetime-local", "step": "1"},
}
HELP: Final[dict[str, Any]] = {
    "external_id": gettext_lazy("The ID of this person in your own system. Only one contact can have it."),
    "phone": gettext_lazy("In any writing; it is kept as +380501234567."),
    "contact_key": gettext_lazy("A further key of yours. It need not be unique."),
}
SELECTED: Final = mark_safe(" selected")
NO_AUTOFILL: Final = {"autocomplete": "off", "spellcheck": "false"}
"""A browser would fill in the address of whoever sits before it."""


class DrawnInput(UnfoldAdminTextInputWidget):
    """Written at once: a template for each of a hundred fields would cost more than all the rest of the sheet."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        given = self.build_attrs(self.attrs, attrs)
        return format_html(
            "<input{}>", flatatt({"type": self.input_type, "name": name, "value": self.format_value(value), **given})
        )


class DrawnSelect(UnfoldAdminSelectWidget):
    """As ``DrawnInput``, with the arrow that unfold puts behind a list."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        given = {"name": name, **self.build_attrs(self.attrs, attrs)}
        return format_html(
            '<div class="grow relative"><select{}>{}</select><span class="material-symbols-outlined cs-arrow"'
            ' aria-hidden="true">expand_more</span></div>',
            flatatt(given),
            self.write_options("" if value is None else str(value)),
        )

    def write_options(self, chosen: str) -> SafeString:
        options = ((key, SELECTED if str(key) == chosen else "", label) for key, label in self.choices)
        return format_html_join("", '<option value="{}"{}>{}</option>', options)


class TimeZoneSelect(DrawnSelect):
    """All six hundred time zones are written but once."""

    def write_options(self, chosen: str) -> SafeString:
        value = format_html('value="{}"', chosen)
        if value not in _write_time_zones():
            return format_html("<option {} selected>{}</option>{}", value, chosen, _write_time_zones())
        return mark_safe(_write_time_zones().replace(value, value + SELECTED, 1))  # noqa: S308  both are escaped


class LocalTimeField(forms.CharField):
    """A date and time as people in the site's time zone write it."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            moment = datetime.fromisoformat(text) if text else None
        except ValueError:
            return text  # normalisation says what is wrong with it
        if moment is None:
            return ""
        return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).isoformat()


def build_field(column: Column, *, current: Any = None, required: bool = False) -> forms.Field:
    """The form field of a column. ``current`` stays among the options, even where it is none any more."""
    field = _build(column, current)
    field.label = column.label if column.is_custom else _(column.label)
    field.required = required
    field.help_text = HELP.get(column.key, "")
    return field


def _build(column: Column, current: Any) -> forms.Field:
    if column.key == "time_zone":
        return forms.CharField(widget=TimeZoneSelect())
    match column.type:
        case "boolean":
            return _choice_field([("true", _("Yes")), ("false", _("No"))], None)
        case "choice":
            return _choice_field([(option, option) for option in column.options], current)
        case "choices":
            options = dict.fromkeys([*column.options, *(current or ())])
            widget = UnfoldAdminCheckboxSelectMultipleWidget()
            return forms.MultipleChoiceField(choices=[(option, option) for option in options], widget=widget)
        case "long_text":
            return forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, **NO_AUTOFILL}))
        case "datetime":
            return LocalTimeField(widget=_text_input(column))
        case _:
            return forms.CharField(widget=_text_input(column))


def _choice_field(options: list[tuple[str, str]], current: Any) -> forms.ChoiceField:
    if current and current not in dict(options):
        options = [*options, (current, current)]
    return forms.ChoiceField(choices=[("", "—"), *options], widget=DrawnSelect())


def _text_input(column: Column) -> forms.Widget:
    return DrawnInput(attrs={**NO_AUTOFILL, **INPUT_ATTRIBUTES.get(column.type, {})})


@lru_cache(maxsize=1)
def _write_time_zones() -> SafeString:
    zones = ((zone, zone) for zone in sorted(available_timezones()))
    return format_html_join("", '<option value="{}">{}</option>', [("", "—"), *zones])


def show_in_input(column: Column, value: Any) -> Any:
    """A stored value as its input holds it: a text, or a list of texts."""
    match column.type:
        case "choices":
            return list(value or ())
        case "boolean":
            return "" if value is None else str(value).lower()
        case "datetime":
            return _show_local_time(value)
        case "decimal" if isinstance(value, float):
            return f"{value:.15g}"
        case _:
            return "" if value is None else str(value)


def _show_local_time(value: str | None) -> str:
    """Without the seconds where there are none, which is how browsers give it back."""
    if not value:
        return ""
    local = timezone.localtime(datetime.fromisoformat(value))
    return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


def is_same(column: Column, typed: Any, shown: Any) -> bool:
    """Whether an input still holds what it was given; browsers change the ends of lines."""
    if isinstance(shown, list):
        return sorted(typed or ()) == sorted(shown)
    if column.type == "datetime":
        return _whole_seconds(typed) == _whole_seconds(shown)
    if column.type == "long_text":
        return _lines(typed) == _lines(shown)
    return "".join(_lines(typed)) == "".join(_lines(shown))


def _lines(text: Any) -> list[str]:
    return str(text or "").strip().splitlines()


def _whole_seconds(text: Any) -> Any:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return text or ""
    aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    return aware.replace(microsecond=0)
