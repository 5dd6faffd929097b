"""What both map pages have, of contacts and of orders: a line for each column of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from django import forms
from django.http import QueryDict
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelect2Widget

from contacts.admin.imports.doors import Placed
from contacts.admin.imports.widgets import SharedOptions, SharedSelect
from contacts.models import Import

__all__ = ["ColumnsForm", "Line", "offer", "samples_of"]

SAMPLE_LENGTH: Final = 40
SAMPLES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One column of the file on the page; its fields are bound ones."""

    place: int
    header: str
    samples: list[str]
    target: Any
    keep: Any
    label: Any
    type: Any
    errors: list[str]


class ColumnsForm(forms.Form):
    """Asks what each column becomes; whoever inherits adds what else is asked, of a column or of the whole file.

    ``may_keep`` says whether a column can be told to leave alone what is there already.
    """

    may_keep: ClassVar[bool] = False

    def __init__(self, run: Import, *, data: QueryDict | None, initial: Mapping[str, Any]) -> None:
        self.run = run
        self.placed: dict[int, list[str]] = {}
        super().__init__(data, initial=dict(initial), label_suffix="")

    def add_columns(self, targets: Iterable[tuple[Any, Any]]) -> None:
        """The fields of every column; ``targets`` are rendered once for all of them."""
        shared = SharedOptions(targets)
        for place, header in enumerate(self.run.headers):
            self.fields |= {f"{name}-{place}": field for name, field in self.fields_of(place, header, shared)}

    def fields_of(self, place: int, header: str, targets: SharedOptions) -> Iterator[tuple[str, forms.Field]]:
        becomes = {"aria-label": _("What “{header}” becomes").format(header=header), "data-target": str(place)}
        select = SharedSelect(targets, UnfoldAdminSelect2Widget(becomes))
        yield "target", forms.ChoiceField(choices=targets.choices, required=False, widget=select)

    # What is shown

    def list_lines(self) -> list[Line]:
        return [
            Line(
                place=place,
                header=header or _("Column {number}").format(number=place + 1),
                samples=[Truncator(text).chars(SAMPLE_LENGTH) for text in samples_of(self.run, place)[:SAMPLES_SHOWN]],
                target=self[f"target-{place}"],
                keep=self._find(f"keep-{place}"),
                label=self._find(f"label-{place}"),
                type=self._find(f"type-{place}"),
                errors=[*self.placed.get(place, ()), *self._errors_of(place)],
            )
            for place, header in enumerate(self.run.headers)
        ]

    def _find(self, name: str) -> Any:
        return self[name] if name in self.fields else None

    def _errors_of(self, place: int) -> list[str]:
        names = (f"target-{place}", f"label-{place}", f"type-{place}")
        return [str(error) for name in names for error in self.errors.get(name, ())]

    def place(self, errors: Iterable[Placed]) -> None:
        """Say what the verb refused, where it is."""
        for error in errors:
            if isinstance(error.place, int):
                self.placed.setdefault(error.place, []).append(error.message)
            else:
                self.add_error(error.place if error.place in self.fields else None, error.message)


def samples_of(run: Import, place: int) -> list[str]:
    """The first values of a column, empty ones left out."""
    return [str(row[place]) for row in run.samples if place < len(row) and str(row[place]).strip()]


def offer(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    """What one can choose in a field, where that is only known with the form."""
    cast("forms.ChoiceField", form.fields[name]).choices = choices
