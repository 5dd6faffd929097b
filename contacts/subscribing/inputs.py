"""How a form's fields are drawn: which input, with what in it. The same at its address and in a copy (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contacts.subscribing.forms import Asked

__all__ = ["HONEYPOT", "Input", "list_inputs"]

HONEYPOT: Final = "homepage"
"""Nobody sees this field; programs fill it in."""
KINDS: Final = {
    "email": "email", "phone": "tel", "date": "date", "boolean": "checkbox", "choice": "select",
    "choices": "checkboxes", "long_text": "textarea",
}  # fmt: skip
MODES: Final = {"number": "numeric", "decimal": "decimal"}
AUTOCOMPLETE: Final = {
    "email": "email", "phone": "tel", "first_name": "given-name", "last_name": "family-name",
    "town": "address-level2", "region": "address-level1", "address": "street-address", "postcode": "postal-code",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Input:
    """One input as a template draws it."""

    name: str
    label: str
    kind: str
    is_required: bool
    options: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    error: str = ""
    autocomplete: str = ""
    takes_focus: bool = False
    max_length: int | None = None
    mode: str = ""

    @property
    def id(self) -> str:
        """For labels. A dot would be taken for a class by whoever styles it."""
        return "cardfile-" + self.name.replace(".", "-")

    @property
    def value(self) -> str:
        return self.chosen[0] if self.chosen else ""


def list_inputs(
    asked: Iterable[Asked],
    filled: Mapping[str, Sequence[str]] | None = None,
    told: Mapping[str, str] | None = None,
) -> Iterator[Input]:
    """``filled`` are the values by column, ``told`` what is wrong with them; the first wrong one takes the focus."""
    filled, told, is_first = filled or {}, told or {}, True
    for column, label, is_required in asked:
        error = told.get(column.key, "")
        yield Input(
            name=column.key,
            label=label,
            kind=KINDS.get(column.type, "text"),
            is_required=is_required,
            options=column.options,
            chosen=tuple(filled.get(column.key, ())),
            error=error,
            autocomplete=AUTOCOMPLETE.get(column.key, ""),
            takes_focus=bool(error) and is_first,
            max_length=column.max_length,
            mode=MODES.get(column.type, ""),
        )
        is_first = is_first and not error
