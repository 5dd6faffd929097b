"""Contacts that somebody named in a text: a list of ids, emails, phones or external IDs, pasted from anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_email, clean_external_id, compare_form
from contacts.phones import parse_phone
from crm.errors import CardfileError
from segments.membership import add_members
from segments.models import Segment

__all__ = ["KINDS", "MOST_PASTED", "Named", "NobodyNamed", "Pasted", "TooManyNamed", "find_named", "paste_members"]

MOST_PASTED: Final = 10_000
KINDS: Final = ("external_id", "email", "phone", "id")
LARGEST_ID: Final = 2**63 - 1


class TooManyNamed(CardfileError):
    """These are too many at once. Paste at most 10,000, or import a file."""

    code = "too_many_named"


class NobodyNamed(CardfileError):
    """Nobody is named here. Paste at least one value."""

    code = "nobody_named"


@dataclass(slots=True)
class Named:
    """The contacts that were found, and the texts that name nobody, in the order they came."""

    contact_ids: list[int] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Pasted(NamedTuple):
    """What came of a list: who is new in the segment, who was in it, and the texts that name nobody."""

    joined: int
    were_in: int
    unknown: list[str]


def paste_members(segment: Segment, text: str, kind: str, *, by: str) -> Pasted:
    """Puts those whom a text names into a static segment; ``kind`` is one of ``KINDS``.

    Raises ``NobodyNamed``, ``TooManyNamed``, ``SegmentIsNotStatic``.
    """
    named = find_named(split_text(text, kind), kind)
    joined = add_members(segment, named.contact_ids, by=by)
    return Pasted(joined, len(named.contact_ids) - joined, named.unknown)


def split_text(text: str, kind: str) -> list[str]:
    """The values of a text, each once: one a line, or between commas, semicolons and tabs; a phone may have spaces.

    Raises ``NobodyNamed`` and ``TooManyNamed``.
    """
    apart = r"[\n\r,;\t]+" if kind in ("phone", "external_id") else r"[\s,;]+"
    values = list(dict.fromkeys(value for raw in re.split(apart, text) if (value := raw.strip().strip("\"'"))))
    if not values:
        raise NobodyNamed(path="text")
    if len(values) > MOST_PASTED:
        raise TooManyNamed(path="text")
    return values


def find_named(values: Iterable[str], kind: str) -> Named:
    """The active contacts that these values name; a value that several share names them all.

    A merged contact's id means its survivor, a value that came by a merge the contact that has it.
    """
    listed = list(values)
    found = _find_by_id(listed) if kind == "id" else _find_by_value(listed, Kind[kind.upper()])
    named = Named()
    for value in listed:
        named.contact_ids += found.get(value, ())
        if not found.get(value):
            named.unknown.append(value)
    named.contact_ids = list(dict.fromkeys(named.contact_ids))
    return named


def _find_by_id(values: list[str]) -> dict[str, list[int]]:
    numbers = {value: int(value) for value in values if value.isascii() and value.isdecimal() and len(value) < 20}
    numbers = {value: number for value, number in numbers.items() if number <= LARGEST_ID}
    rows = Contact.objects.filter(pk__in=set(numbers.values())).values_list("pk", "merged_into_id")
    survivors = {pk: survivor or pk for pk, survivor in rows}
    active = _active(survivors.values())
    return {
        value: [survivors[number]]
        for value, number in numbers.items()
        if number in survivors and survivors[number] in active
    }


def _find_by_value(values: list[str], kind: Kind) -> dict[str, list[int]]:
    forms = {value: form for value in values if (form := _compared(value, kind)) is not None}
    rows = Identifier.objects.filter(value__in=set(forms.values()), kind=kind, app="").values_list(
        "value", "contact_id"
    )
    owners: dict[str, list[int]] = {}
    for form, contact_id in rows:
        owners.setdefault(form, []).append(contact_id)
    active = _active(pk for ids in owners.values() for pk in ids)
    return {value: [pk for pk in owners.get(form, ()) if pk in active] for value, form in forms.items()}


def _active(contact_ids: Iterable[int]) -> set[int]:
    rows = Contact.objects.filter(pk__in=set(contact_ids), state=ContactState.ACTIVE)
    return set(rows.values_list("pk", flat=True))


def _compared(text: str, kind: Kind) -> str | None:
    """The form in which the value is looked up; None where it cannot be one."""
    schema = current_settings().schema
    try:
        match kind:
            case Kind.EMAIL:
                value: str | None = clean_email(text)[1]
            case Kind.PHONE:
                value = parse_phone(text, schema.country)
            case _:
                value = clean_external_id(text, schema.external_id_max_length)
    except InvalidValue:
        return None
    return None if not value else compare_form(kind, "", value)[2]
