"""From a body to the contacts that are to join or to leave a segment (pure but for the language)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.api.translate import read_id
from contacts.records import Problem
from contacts.wire import is_empty

__all__ = ["MOST_MEMBERS", "NamedContacts", "read_named_contacts"]

MOST_MEMBERS: Final = 500
KINDS: Final = ("contactIds", "externalCustomerIds")


@dataclass(slots=True)
class NamedContacts:
    """Contacts by id or by external ID, never by both; ``problems`` with their paths in the body."""

    ids: list[int] = field(default_factory=list)
    external_ids: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def are_none(self) -> bool:
        return not self.ids and not self.external_ids

    def refuse(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))


def read_named_contacts(body: Any) -> NamedContacts:
    """One value counts as a list of one. An entry that names nobody is refused: without it everybody would be meant."""
    named = NamedContacts()
    if not isinstance(body, Mapping):
        named.refuse("", "not_an_object", _("Send contactIds or externalCustomerIds in a JSON object."))
        return named
    given = {name: as_list(body.get(name)) for name in KINDS}
    if all(given.values()):
        named.refuse(KINDS[1], "one_kind", _("Send contactIds or externalCustomerIds, not both."))
    for name, values in given.items():
        if len(values) > MOST_MEMBERS:
            message = _("Send at most %(most)d at a time; these are %(count)d.")
            named.refuse(name, "too_many", message % {"most": MOST_MEMBERS, "count": len(values)})
    if not named.problems:
        read_ids(named, given[KINDS[0]])
        read_external_ids(named, given[KINDS[1]])
    return named


def as_list(value: Any) -> list[Any]:
    if is_empty(value):
        return []
    return value if isinstance(value, list) else [value]


def read_ids(named: NamedContacts, values: list[Any]) -> None:
    for position, value in enumerate(values):
        number = read_id(value)
        if number:
            named.ids.append(number)
        else:
            named.refuse(f"{KINDS[0]}[{position}]", "invalid_id", _("A contact's id is a whole number."))


def read_external_ids(named: NamedContacts, values: list[Any]) -> None:
    for position, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, str | int) or is_empty(value):
            named.refuse(f"{KINDS[1]}[{position}]", "not_text", _("Write this value as text."))
        else:
            named.external_ids.append(str(value).strip())
