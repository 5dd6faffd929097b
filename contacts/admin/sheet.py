"""The sheet's form, generated from the registry of columns, and what it means to save it.

The form carries the number of the newest change its user saw. Whatever the journal says came after it was done by
somebody else meanwhile: fields that only they touched stay theirs, fields that only this user touched are saved, and a
field that both touched is shown with who wrote what, rather than overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.admin.actors import name_actors
from contacts.admin.fields import build_field, is_same, show_in_input
from contacts.admin.journal import show_moment, show_value
from contacts.admin.wording import Refusal, explain_problem, explain_refusal, explain_shared
from contacts.columns import SYSTEM_COLUMNS, Column, custom_column
from contacts.identity import Mode, Outcome, Status, resolve
from contacts.identity.errors import ExternalIdTaken, error_of
from contacts.identity.settings import current_settings
from contacts.identity.types import SHEET
from contacts.identity.world import primary_key_of
from contacts.keys import Kind
from contacts.models import Change, Contact, CustomField, Identifier
from contacts.normalize import normalize
from crm.errors import CardfileError

__all__ = ["SHARED", "ChangedMeanwhile", "SheetForm", "read_value"]

CHANGES_AT_MOST: Final = 500
SHARED: Final = "shared_value_refused"
SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (gettext_noop("Identity"), ("external_id", "contact_key", "email", "phone")),
    (gettext_noop("Person"), ("first_name", "last_name", "language_code", "time_zone")),
    (gettext_noop("Address"), ("address", "town", "region", "postcode")),
)
"""Where system columns stand on the sheet; one that is not named here comes last."""
SIZES: Final = {"address": "wide", "town": "third", "region": "third", "postcode": "third"}
SIZES_OF_TYPES: Final = {"long_text": "wide", "choices": "wide"}
"""How much of a line a field takes; half of it unless said here."""


class ChangedMeanwhile(CardfileError):
    """Somebody changed this contact while you were saving it. Look at the values and save again."""

    code = "changed_meanwhile"


def read_value(contact: Contact, column: Column) -> Any:
    """The stored value of a column."""
    return contact.attributes.get(column.custom_key) if column.is_custom else getattr(contact, column.key)


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """A field that somebody else changed while this user had the sheet open.

    ``theirs`` is what it holds now, ``mine`` what this user wants, empty unless both touched it. ``theirs_typed`` is
    theirs as the input holds it, in JSON.
    """

    key: str
    label: str
    who: str
    at: datetime
    before: str | SafeString
    theirs: str | SafeString
    mine: str | SafeString
    is_conflict: bool
    theirs_typed: str


@dataclass(frozen=True, slots=True)
class SheetField:
    """A field as the sheet shows it: ``shown`` is its value for who may not edit, ``stored`` what it holds, in JSON,
    where something else may have been typed into it."""

    bound: BoundField
    size: str
    shown: str | SafeString
    stored: str
    meanwhile: Meanwhile | None

    @property
    def is_empty(self) -> bool:
        return not self.bound.value()


@dataclass(frozen=True, slots=True)
class Section:
    """Some fields under one title."""

    title: str
    fields: list[SheetField]


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
        self.read_only = read_only
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
        self.meanwhile: list[Meanwhile] = []
        self.saved: Outcome | None = None

    # What is on it

    def list_sections(self) -> list[Section]:
        """The system's fields."""
        placed = {key for _title, keys in SECTIONS for key in keys}
        others = tuple(key for key, column in self.columns.items() if not column.is_custom and key not in placed)
        return [Section(_(title), self._show(keys)) for title, keys in (*SECTIONS, ("Other", others)) if keys]

    def list_custom_sections(self) -> list[Section]:
        """The custom fields by their groups, those without one first."""
        groups: dict[str, list[str]] = {}
        for definition in sorted(self.definitions, key=lambda definition: (definition.group, definition.label)):
            groups.setdefault(definition.group, []).append(f"fields.{definition.key}")
        return [Section(title, self._show(keys)) for title, keys in groups.items()]

    def _show(self, keys: Iterable[str]) -> list[SheetField]:
        meanwhile = {one.key: one for one in self.meanwhile}
        return [
            SheetField(
                self[key],
                SIZES.get(key) or SIZES_OF_TYPES.get(self.columns[key].type, "half"),
                show_value(key, self.current[key]) if self.read_only else "",
                json.dumps(show_in_input(self.columns[key], self.current[key])) if self.is_bound else "",
                meanwhile.get(key),
            )
            for key in keys
        ]

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
        self._look_for_owner()
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
        """What others changed, and among it the fields that both touched, unless both wrote the same."""
        same = [key for key, value in self.record.items() if self._is_current(key, value)]
        for key in same:
            del self.record[key]
        names = name_actors(change.by for change in self.changed_by_others)
        for key in [key for key in self.columns if self.current[key] != seen[key] and key not in same]:
            change = next(change for change in self.changed_by_others if key in (change.after or ()))
            one = self._compare(key, change, names[change.by].label, seen[key])
            self.meanwhile.append(one)
            if one.is_conflict:
                text = _(
                    "{who} wrote “{value}” here on {when}, after you had opened the sheet. Save again to replace it."
                )
                self.add_error(key, text.format(who=one.who, value=one.theirs, when=show_moment(one.at)))

    def _compare(self, key: str, change: Change, who: str, before: Any) -> Meanwhile:
        is_conflict = key in self.record
        return Meanwhile(
            key=key,
            label=str(self.fields[key].label),
            who=who,
            at=change.at,
            before=show_value(key, before),
            theirs=show_value(key, self.current[key]),
            mine=show_value(key, self.record[key]) if is_conflict else "",
            is_conflict=is_conflict,
            theirs_typed=json.dumps(show_in_input(self.columns[key], self.current[key])),
        )

    def _is_current(self, key: str, value: Any) -> bool:
        column = self.columns[key]
        return is_same(column, value, show_in_input(column, self.current[key]))

    def _check_shape(self) -> None:
        """All that cannot be read is said at once, each at its field; junk is no identifier on the sheet either."""
        record = normalize({key: value for key, value in self.record.items() if key not in self.errors}, _schema())
        for problem in (*record.problems, *record.warnings):
            self.refuse(Refusal(problem.column, explain_problem(problem)))

    def _look_for_owner(self) -> None:
        """Beside other errors, whether the external ID is taken is said at once; else the verb says it."""
        value = self.record.get("external_id")
        if self.contact is None or not value or not self.errors or "external_id" in self.errors:
            return
        kind, _app, key = primary_key_of(Kind.EXTERNAL_ID, value.strip())
        found = Identifier.objects.filter(value=key, kind=kind).exclude(contact_id=self.contact.pk).first()
        if found is not None:
            self.show_refusal(ExternalIdTaken(other_id=found.contact_id))

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
        if not self.meanwhile:
            return ""
        return format_html(
            _("Meanwhile {who} changed: {what}. Fields that you did not touch show the new values."),
            who=", ".join(dict.fromkeys(one.who for one in self.meanwhile)),
            what=", ".join(one.label for one in self.meanwhile),
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
        for refusal in explain_refusal(error, contact_id=self.contact.pk if self.contact else None):
            self.refuse(refusal)

    def show_shared(self, contact: Contact, last_change: int) -> bool:
        """Whether an address was left out because somebody has it: that is said at its field, the rest was saved.

        ``contact`` and ``last_change`` are as they are since.
        """
        shared = [warning for warning in self.saved.warnings if warning.code == SHARED] if self.saved else []
        typed = {warning.column: self.record[warning.column] for warning in shared}
        self.contact, self.last_change, self.record = contact, last_change, typed
        self.current = {key: read_value(contact, column) for key, column in self.columns.items()}
        for warning in shared:
            self.refuse(explain_shared(warning, str(typed[warning.column]), contact.pk))
        return bool(shared)


def _as_sent(column: Column, value: Any) -> Any:
    return value.replace("\r\n", "\n") if column.type == "long_text" and isinstance(value, str) else value


def _schema() -> Any:
    return current_settings().schema
