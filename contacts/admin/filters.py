"""The filters of the contact list as inputs. What each condition means is said in ``contacts.filters``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import populations
from contacts.admin.wording import SOURCES
from contacts.columns import CUSTOM_PREFIX
from contacts.custom_filters import RANGED
from contacts.filters import narrow_list
from contacts.models import ChannelState, Contact, CustomField, FieldType, Import
from contacts.selections import Selection

__all__ = ["LIST_FILTERS", "CustomFieldsFilter", "StateFilter", "in_words"]

LATEST: Final = 10
"""Imports to choose from; the page of an older one leads here too."""

Choices = list[tuple[str, Any]]


class Part(NamedTuple):
    """One input, or several boxes to tick: its name in the address, what it is called, and what is in it."""

    name: str
    label: Any
    kind: str
    values: list[str]
    choices: Choices = []
    all_label: Any = ""

    @property
    def said(self) -> str:
        """What is chosen, in words; empty where nothing is."""
        words = dict(self.choices)
        return ", ".join(str(words.get(value, value)) for value in self.values)

    @property
    def value(self) -> str:
        return self.values[-1] if self.values else ""


class ConditionFilter(ListFilter):
    """One or more conditions that belong together."""

    template = "contacts/list_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.given = {name: take_values(params, name) for name in self.list_names(params)}

    def list_names(self, params: Mapping[str, Any]) -> list[str]:
        """The conditions, by their names in the address."""
        raise NotImplementedError

    def list_parts(self) -> list[Part]:
        raise NotImplementedError

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.given)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield from self.parts

    @cached_property
    def parts(self) -> list[Part]:
        return self.list_parts()

    @property
    def chosen(self) -> list[Part]:
        """The parts that narrow the list."""
        return [part for part in self.parts if part.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> QuerySet[Contact]:
        for name, values in self.given.items():
            if values:
                queryset = narrow_list(queryset, name, values)
        return queryset


def take_values(params: dict[str, Any], name: str) -> list[str]:
    given = params.pop(name, [])
    values = given if isinstance(given, list) else [given]
    return list(Selection.kept(values))


class ChoiceFilter(ConditionFilter):
    """One condition with values to choose among: one of them, or with ``takes_many`` any of them."""

    name: str
    takes_many = False
    all_label: Any = gettext_lazy("All")

    def list_names(self, params: Mapping[str, Any]) -> list[str]:
        return [self.name]

    def list_choices(self) -> Choices:
        raise NotImplementedError

    def list_parts(self) -> list[Part]:
        kind = "many" if self.takes_many or len(self.given[self.name]) > 1 else "one"
        return [Part(self.name, self.title, kind, self.given[self.name], self.list_choices(), self.all_label)]


class StateFilter(ChoiceFilter):
    """Active contacts, unless one asks for the deleted ones or searches: a search shows both."""

    title = gettext_lazy("State")
    name = "state"
    all_label = gettext_lazy("Active; with a search deleted, too")

    def list_choices(self) -> Choices:
        return [("active", _("Active")), ("deleted", _("Deleted")), ("all", _("Active and deleted"))]


class HasFilter(ConditionFilter):
    """Contacts that have, or lack, what people are told apart by."""

    title = gettext_lazy("Has")

    def list_names(self, params: Mapping[str, Any]) -> list[str]:
        return ["has_external_id", "has_email", "has_phone"]

    def list_parts(self) -> list[Part]:
        labels = {"has_external_id": _("External ID"), "has_email": _("Email"), "has_phone": _("Phone")}
        choices: Choices = [("yes", _("has one")), ("no", _("has none"))]
        return [Part(name, labels[name], "one", values, choices, _("All")) for name, values in self.given.items()]


CHANNEL_LABELS: Final[dict[str, Any]] = {
    "email": gettext_lazy("Email"),
    "phone": gettext_lazy("Phone"),
    "mobile_push": gettext_lazy("Mobile push"),
    "web_push": gettext_lazy("Web push"),
    "telegram": gettext_lazy("Telegram"),
}


class ChannelFilter(ChoiceFilter):
    title = gettext_lazy("Channel")
    name = "channel"
    takes_many = True

    def list_choices(self) -> Choices:
        return list(CHANNEL_LABELS.items())


class ChannelStateFilter(ChoiceFilter):
    takes_many = True

    def list_choices(self) -> Choices:
        return [(state.name.lower(), state.label) for state in ChannelState]


class EmailStateFilter(ChannelStateFilter):
    title = gettext_lazy("Email state")
    name = "email_state"


class PhoneStateFilter(ChannelStateFilter):
    title = gettext_lazy("Phone state")
    name = "phone_state"


class SourceFilter(ChoiceFilter):
    """The door that the contact came through first."""

    title = gettext_lazy("Source")
    name = "source"
    takes_many = True

    def list_choices(self) -> Choices:
        return list(SOURCES.items())


class SegmentFilter(ChoiceFilter):
    title = gettext_lazy("Segment")
    name = "segment"

    def list_choices(self) -> Choices:
        offered = dict(populations.current().offered())
        missing = [int(value) for value in self.given[self.name] if value.isdecimal() and len(value) < 19]
        if unknown := [number for number in missing if number not in offered]:
            offered |= populations.current().names(unknown)
        return [(str(number), name) for number, name in offered.items()]


class ImportFilter(ChoiceFilter):
    """Contacts that an import touched."""

    title = gettext_lazy("Import")
    name = "import"

    def list_choices(self) -> Choices:
        latest = Import.objects.filter(rows_done__gt=0).order_by("-pk").values_list("pk", "file_name")
        found = dict(latest[:LATEST])
        chosen = [int(value) for value in self.given[self.name] if value.isdecimal() and len(value) < 19]
        if unknown := [number for number in chosen if number not in found]:
            found |= dict(Import.objects.filter(pk__in=unknown).values_list("pk", "file_name"))
        return [(str(pk), f"{name} ({pk})") for pk, name in found.items()]


class PeriodFilter(ConditionFilter):
    """From one day to another, both of them included."""

    name: str

    def list_names(self, params: Mapping[str, Any]) -> list[str]:
        return [f"{self.name}_from", f"{self.name}_to"]

    def list_parts(self) -> list[Part]:
        labels = (_("From"), _("To"))
        return [
            Part(name, label, "text" if values and values[-1].startswith("-") else "date", values)
            for label, (name, values) in zip(labels, self.given.items(), strict=True)
        ]


class CreatedFilter(PeriodFilter):
    title = gettext_lazy("Created")
    name = "created"


class ChangedFilter(PeriodFilter):
    title = gettext_lazy("Last change")
    name = "changed"


INPUTS: Final[dict[str, str]] = {
    FieldType.NUMBER: "number",
    FieldType.DECIMAL: "number",
    FieldType.DATE: "date",
    FieldType.DATETIME: "date",
}


class CustomFieldsFilter(ConditionFilter):
    """The account's own fields, each by its type."""

    title = gettext_lazy("Custom fields")

    def list_names(self, params: Mapping[str, Any]) -> list[str]:
        self.definitions = list(CustomField.objects.all())
        offered = [name for field in self.definitions for name in names_of(field)]
        gone = [name for name in params if name.startswith(CUSTOM_PREFIX) and name not in offered]
        return [*offered, *gone]

    def has_output(self) -> bool:
        return bool(self.given)

    def list_parts(self) -> list[Part]:
        parts = [part for field in self.definitions for part in self.list_parts_of(field)]
        known = {part.name for part in parts}
        return parts + [Part(name, name, "text", values) for name, values in self.given.items() if name not in known]

    def list_parts_of(self, field: CustomField) -> Iterable[Part]:
        names = names_of(field)
        if field.type in RANGED:
            labels = (_("{field}, from"), _("{field}, to"))
            for name, label in zip(names, labels, strict=True):
                yield Part(name, label.format(field=field.label), INPUTS[field.type], self.given[name])
            return
        [name] = names
        values = self.given[name]
        match field.type:
            case FieldType.BOOLEAN:
                yield Part(name, field.label, "one", values, [("yes", _("Yes")), ("no", _("No"))], _("All"))
            case FieldType.CHOICE | FieldType.CHOICES:
                offered: Choices = [(option, option) for option in field.options]
                yield Part(name, field.label, "many" if len(values) > 1 else "one", values, offered, _("All"))
            case _:
                yield Part(name, field.label, "text", values)


def names_of(field: CustomField) -> list[str]:
    """The conditions of a custom field, by their names in the address."""
    name = CUSTOM_PREFIX + field.key
    return [f"{name}_from", f"{name}_to"] if field.type in RANGED else [name]


LIST_FILTERS: Final = (
    StateFilter,
    HasFilter,
    ChannelFilter,
    EmailStateFilter,
    PhoneStateFilter,
    SourceFilter,
    SegmentFilter,
    ImportFilter,
    CreatedFilter,
    ChangedFilter,
    CustomFieldsFilter,
)


def in_words(selection: Selection) -> list[tuple[str, str]]:
    """What a selection is narrowed by, as (label, value) for people."""
    asked = dict(selection.conditions)
    said = [(_("Search"), str(asked.pop("q")))] if "q" in asked else []
    params = {name: [values] if isinstance(values, str) else list(values) for name, values in asked.items()}
    request = HttpRequest()
    for made in LIST_FILTERS:
        condition = made(request, params, Contact, None)
        said += [(say_label(condition, part), part.said) for part in condition.chosen]
    return said


def say_label(condition: ConditionFilter, part: Part) -> str:
    """A period's ends are called after the period."""
    if isinstance(condition, PeriodFilter):
        return f"{condition.title}: {part.label}"
    return str(part.label)
