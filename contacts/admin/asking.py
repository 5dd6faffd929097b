"""What a form asks, as rows: every column that can be asked, whether it is, what it is called, where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.subscribing import list_offered
from contacts.subscribing.forms import name_column

__all__ = ["AskedField"]

NOT, OPTIONAL, REQUIRED = "", "optional", "required"
HOW: Final = (
    (NOT, gettext_lazy("Not asked")),
    (OPTIONAL, gettext_lazy("May be left empty")),
    (REQUIRED, gettext_lazy("Required")),
)
LONGEST_LABEL: Final = 200

Entry = dict[str, Any]


class AskedRows(forms.Widget):
    """Works without a script: rows are ordered by their number; what is asked comes first."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        asked = {entry["column"]: (place, entry) for place, entry in enumerate(value or (), start=1)}
        rows = [
            {
                "column": column.key,
                "called": name_column(column),
                "how": how_of(asked[column.key][1]) if column.key in asked else NOT,
                "label": asked[column.key][1]["label"] if column.key in asked else "",
                "place": asked[column.key][0] if column.key in asked else "",
            }
            for column in list_offered()
        ]
        ordered = sorted(rows, key=lambda row: row["place"] or len(rows) + 1)
        context = {"name": name, "rows": ordered, "how": HOW, "longest": LONGEST_LABEL}
        return mark_safe(render_to_string("contacts/form_asks.html", context))  # noqa: S308  # a template's

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Entry]:
        """In the order of the numbers; a row without one stays behind those that have one."""
        listed: Any = data
        columns = [column.key for column in list_offered()]
        rows = zip(*(listed.getlist(f"{name}-{part}") for part in ("column", "how", "label", "place")), strict=False)
        found = [
            (read_place(place), {"column": column, "label": label.strip(), "is_required": how == REQUIRED})
            for column, how, label, place in rows
            if how in (OPTIONAL, REQUIRED) and column in columns
        ]
        return [entry for _place, entry in sorted(found, key=lambda row: row[0])]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-column" not in data

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        return ""


class AskedField(forms.Field):
    """Rows → what is asked, each column once."""

    widget = AskedRows

    def clean(self, value: Any) -> list[Entry]:
        entries: dict[str, Entry] = {}
        for entry in value or ():
            entries.setdefault(entry["column"], entry)
            if len(entry["label"]) > LONGEST_LABEL:
                raise forms.ValidationError(_("A field is called by at most 200 characters. Shorten it."))
        return list(entries.values())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or ()) != list(data or ())


def how_of(entry: Entry) -> str:
    return REQUIRED if entry["is_required"] else OPTIONAL


def read_place(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
