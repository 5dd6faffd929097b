"""The options of a custom field as rows: what each was called, what it is called now, where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

__all__ = ["Option", "OptionRows", "OptionsField", "plan_options"]

EMPTY_ROWS: Final = 3
MOST: Final = 1_000


class Option(NamedTuple):
    """One row; ``was`` is empty for a new option, ``text`` for one that goes."""

    was: str
    text: str


class OptionRows(forms.Widget):
    """Works without a script: rows are ordered by their number. The script moves them, and hides the numbers."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        rows = [*read_rows(value), *([Option("", "")] * EMPTY_ROWS)]
        numbered = [{"was": row.was, "text": row.text, "place": place} for place, row in enumerate(rows, start=1)]
        context = {"name": name, "rows": numbered, "id": (attrs or {}).get("id", name)}
        return mark_safe(render_to_string("contacts/settings/options.html", context))  # noqa: S308  # a template's

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Option]:
        """In the order of the numbers; rows that are no numbers stay where they were."""
        listed: Any = data
        was, text, place = (listed.getlist(f"{name}-{part}")[:MOST] for part in ("was", "text", "place"))
        rows = [(read_place(number), row, Option(before, after.strip()))
                for row, (before, after, number) in enumerate(zip(was, text, place, strict=False))]  # fmt: skip
        return [option for _place, _row, option in sorted(rows, key=lambda row: row[:2])]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return f"{name}-text" not in data


class OptionsField(forms.Field):
    """Rows → rows that were used at all; each option once."""

    widget = OptionRows

    def clean(self, value: Any) -> list[Option]:
        rows = [row for row in read_rows(value) if row.was or row.text]
        texts = [row.text.casefold() for row in rows if row.text]
        if len(set(texts)) < len(texts):
            raise forms.ValidationError(_("An option is there twice. Write each one once."))
        return rows

    def has_changed(self, initial: Any, data: Any) -> bool:
        return [row.was for row in read_rows(data) if row.text] != [row.text for row in read_rows(data) if row.text]


class OptionPlan(NamedTuple):
    """What rows mean beside the options as they were."""

    options: list[str]
    renamed: dict[str, str]
    removed: list[str]


def plan_options(rows: Iterable[Option], before: Iterable[str]) -> OptionPlan:
    """An option whose row is gone, or empty, is removed; a row that names none of those there were is a new one."""
    listed, known = list(rows), list(before)
    kept = {row.was: row.text for row in listed if row.was in known and row.text}
    return OptionPlan(
        options=[row.text for row in listed if row.text],
        renamed={was: text for was, text in kept.items() if was != text},
        removed=[option for option in known if option not in kept],
    )


def read_rows(value: Any) -> list[Option]:
    """Rows as they were sent, or a plain list of options."""
    return [row if isinstance(row, Option) else Option(str(row), str(row)) for row in value or ()]


def read_place(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
