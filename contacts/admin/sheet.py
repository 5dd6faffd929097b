"""The sheet's form, generated from the registry of columns, and what it means to save it.

The form carries the number of the newest change its user saw. Whatever the journal says came after it was done by
somebody else meanwhile: fields that only they touched stay theirs, fields that only this user touched are saved, and a
field that both touched is shown with who wrote what, rather than overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.actors import name_actors
from contacts.admin.fields import build_field, is_same, show_in_input
from contacts.admin.journal import show_moment, show_value
from contacts.admin.wording import Refusal, explain_problem, explain_refusal
from contacts.columns import SYSTEM_COLUMNS, Column, custom_column
from contacts.identity import Mode, Outcome, Status, resolve
from contacts.identity.errors import error_of
from contacts.identity.settings import current_settings
from contacts.identity.types import SHEET
from contacts.models import Change, Contact, CustomField
from contacts.normalize import normalize
from crm.errors import CardfileError

__all__ = ["ChangedMeanwhile", "SheetForm", "read_value"]

CHANGES_AT_MOST: Final = 500
SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Identity", ("external_id", "email", "phone", "contact_key")),
    ("Name", ("first_name", "last_name", "language_code", "time_zone")),
    ("Address", ("region", "town", "address", "postcode")),
)
"""Where system columns stand on the sheet; one that is not named here comes last."""


class ChangedMeanwhile(CardfileError):
    """Somebody changed this contact while you were saving it. Look at the values and save again."""

    code = "changed_meanwhile"


def read_value(contact: Contact, column: Column) -> Any:
    """The stored value of a column."""
    return contact.attributes.get(column.custom_key) if column.is_custom else getattr(contact, column.key)


class SheetForm(forms.Form):
    """All that a person may write on one contact; ``contact`` is None where one is added.

    ``last_change`` is the number of the newest change at the time of reading, read before the contact itself.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        definitions: Sequence[CustomField],
        *,
        contact: Contact | None = None,
        last_change: int = 0,
        data: QueryDict | None = None,
        read_only: bool = False,
    ) -> None:
        self.contact = contact
        self.last_change = last_change
        self.definitions = definitions
        system = [column for column in SYSTEM_COLUMNS if column.write]
        self.columns = {column.key: column for column in (*system, *map(custom_column, definitions))}
        self.current = {key: read_value(contact, column) if contact else None for key, column in self.columns.items()}
        shown = {key: show_in_input(column, self.current[key]) for key, column in self.columns.items()}
        super().__init__(data, initial={**shown, "seen": last_change})
        required = {f"fields.{definition.key}" for definition in definitions if definition.required}
        for key, column in self.columns.items():
            self.fields[key] = build_field(column, current=self.current[key], required=key in required)
            self.fields[key].disabled = read_only
        self.record: dict[str, Any] = {}
        self.changed_by_others: list[Change] = []
        self.saved: Outcome | None = None

    # What is on it

    def list_sections(self) -> list[tuple[str, dict[str, Any]]]:
        """The system's fields as the admin's fieldsets."""
        placed = {key for _title, keys in SECTIONS for key in keys}
        others = tuple(key for key, column in self.columns.items() if not column.is_custom and key not in placed)
        return [(_(title), {"fields": keys}) for title, keys in (*SECTIONS, ("Other", others)) if keys]

    def list_custom_sections(self) -> list[tuple[str, dict[str, Any]]]:
        """The custom fields by their groups, those without one first."""
        groups: dict[str, list[str]] = {}
        for definition in sorted(self.definitions, key=lambda definition: (definition.group, definition.label)):
            groups.setdefault(definition.group, []).append(f"fields.{definition.key}")
        return [(title, {"fields": tuple(keys)}) for title, keys in groups.items()]

    # What was changed

    def clean(self) -> dict[str, Any]:
        """Finds what this user changed, what others changed meanwhile, and what cannot be read."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = self._read_seen(cleaned.get("seen"))
        self.record = {
            key: _as_sent(column, cleaned[key])
            for key, column in self.columns.items()
            if key in cleaned and not is_same(column, cleaned[key], show_in_input(column, seen[key]))
        }
        self._find_conflicts(seen)
        self._check_shape()
        if not self.errors and self.contact is None and not self.record:
            self.add_error(None, _("Fill in at least one field."))
        return cleaned

    def _read_seen(self, number: int | None) -> dict[str, Any]:
        """The values that this user saw: the current ones, with what came after it taken back."""
        seen = dict(self.current)
        if self.contact is None or not number:
            return seen
        after = Change.objects.filter(contact_id=self.contact.pk, pk__gt=number).order_by("-pk")
        self.changed_by_others = list(after[:CHANGES_AT_MOST])
        for change in self.changed_by_others:
            for key in change.after or ():
                if key in seen:
                    seen[key] = (change.before or {}).get(key)
        return seen

    def _find_conflicts(self, seen: Mapping[str, Any]) -> None:
        """A field that both touched, unless both wrote the same."""
        touched = [
            key
            for key, value in self.record.items()
            if self.current[key] != seen[key] and not self._is_current(key, value)
        ]
        names = name_actors(change.by for change in self.changed_by_others) if touched else {}
        for key in touched:
            change = next(change for change in self.changed_by_others if key in (change.after or ()))
            text = _("{who} wrote “{value}” here on {when}, after you had opened the sheet. Save again to replace it.")
            message = text.format(
                who=names[change.by].label, value=show_value(key, self.current[key]), when=show_moment(change.at)
            )
            self.add_error(key, message)
        for key in [key for key, value in self.record.items() if self._is_current(key, value)]:
            del self.record[key]

    def _is_current(self, key: str, value: Any) -> bool:
        column = self.columns[key]
        return is_same(column, value, show_in_input(column, self.current[key]))

    def _check_shape(self) -> None:
        """All that cannot be read is said at once, each at its field; junk is no identifier on the sheet either."""
        record = normalize({key: value for key, value in self.record.items() if key not in self.errors}, _schema())
        for problem in (*record.problems, *record.warnings):
            self.refuse(Refusal(problem.column, explain_problem(problem)))

    def refuse(self, refusal: Refusal) -> None:
        """Say something at a field, or on top where the sheet does not have it."""
        if not refusal.column or refusal.column in self.fields:
            self.add_error(refusal.column or None, forms.ValidationError(refusal.message))
        else:
            self.add_error(None, forms.ValidationError(refusal.message))

    def rebase(self) -> None:
        """Before the form is shown again: what this user did not touch holds the current values, and all is seen."""
        data = cast("QueryDict", self.data).copy()
        for key, column in self.columns.items():
            if key not in self.record and key not in self.errors:
                shown = show_in_input(column, self.current[key])
                data.setlist(key, shown if isinstance(shown, list) else [shown])
        data["seen"] = str(self.last_change)
        self.data = data

    def say_what_others_did(self) -> SafeString | str:
        """Who changed what meanwhile, in one sentence; empty where nobody did."""
        keys = dict.fromkeys(
            key for change in self.changed_by_others for key in change.after or () if key in self.columns
        )
        if not keys:
            return ""
        names = name_actors(change.by for change in self.changed_by_others)
        return format_html(
            _("Meanwhile {who} changed: {what}. Fields that you did not touch show the new values."),
            who=", ".join(dict.fromkeys(names[change.by].label for change in self.changed_by_others)),
            what=", ".join(str(self.fields[key].label) for key in keys),
        )

    # Saving

    def save(self, *, by: str) -> Outcome:
        """Create the contact, or change just what was changed; raises the refusals, and ``ChangedMeanwhile``."""
        if self.contact is None:
            record, plan = self.record, replace(SHEET, mode=Mode.CREATE)
        else:
            record, plan = {"id": self.contact.pk, **self.record}, SHEET
        [outcome] = resolve([record], plan, by=by, within=self._check_unchanged)
        error = error_of(outcome)
        if error is not None:
            raise error
        self.saved = outcome
        return outcome

    def _check_unchanged(self, outcomes: Sequence[Outcome]) -> None:
        """Inside the writing transaction: what is overwritten is what the form was compared with."""
        [outcome] = outcomes
        if self.contact is None or outcome.after is None:
            return
        before = outcome.before or {}
        unexpected = [key for key in self.record if key in outcome.after and before.get(key) != self.current[key]]
        if unexpected or outcome.status == Status.RESTORED or outcome.contact_id != self.contact.pk:
            raise ChangedMeanwhile

    def show_refusal(self, error: CardfileError) -> None:
        """What the verb refused, at its fields."""
        for refusal in explain_refusal(error):
            self.refuse(refusal)


def _as_sent(column: Column, value: Any) -> Any:
    return value.replace("\r\n", "\n") if column.type == "long_text" and isinstance(value, str) else value


def _schema() -> Any:
    return current_settings().schema
