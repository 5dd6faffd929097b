"""One box that finds contacts by whatever a person has at hand: exact values through identifiers first, then names.

``read_query`` says what a text may mean (pure); ``find_contacts`` asks the database, a handful of bounded statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contacts.finding.names import NamesMatch, cut_into_words
from contacts.keys import SHARED_KINDS, UNIQUE_KINDS, Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_email, compare_form
from contacts.phones import parse_phone
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["Found", "Query", "SearchTookTooLong", "find_contacts", "find_exact", "name_words", "read_query"]

FOUND_AT_MOST: Final = 50
NAMES_AT_MOST: Final = 100
NAME_MILLISECONDS: Final = 1_500
SHORTEST_NAME: Final = 2
DIGITS_OF_A_NUMBER: Final = 4
LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)


class SearchTookTooLong(CardfileError):
    """The search for names took too long and was stopped. Write more of the name."""

    code = "took_too_long"


@dataclass(frozen=True, slots=True)
class Query:
    """What a text may mean. ``values`` are compare forms of identifiers, of ``kind`` alone where that is given."""

    contact_id: int | None = None
    values: tuple[str, ...] = ()
    kind: Kind | None = None
    names: tuple[str, ...] = ()
    looks_like_name: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of contacts: those found by an exact value, and those by name; ``stopped`` where names took too long."""

    exact: tuple[int, ...] = ()
    by_name: tuple[int, ...] = ()
    stopped: bool = False


def read_query(text: str, country: str) -> Query:
    """What the text may mean: ``id:7``, ``extid:A-1``, an email, a phone in any writing, any token, or a name."""
    text = text.replace("\x00", "").strip()
    word, colon, rest = text.partition(":")
    if colon and word.strip().lower() == "id":
        return Query(contact_id=_read_id(rest))
    if colon and word.strip().lower() == "extid":
        return Query(values=_compared([rest.strip()]), kind=Kind.EXTERNAL_ID)
    names = tuple(text.split())
    return Query(
        contact_id=_read_id(text),
        values=_compared([text, *_as_email(text), *_as_phone(text, country)]),
        names=names if _may_be_name(text) else (),
        looks_like_name=all(char.isalpha() or char in " -'’." for char in text),
    )


def _may_be_name(text: str) -> bool:
    """Nobody is called like an address or a number, and looking through all names for one would take long."""
    return len(text) >= SHORTEST_NAME and "@" not in text and sum(map(str.isdigit, text)) < DIGITS_OF_A_NUMBER


def _read_id(text: str) -> int | None:
    text = text.strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
    return number if 0 < number < 2**63 else None


def _compared(texts: Iterable[str]) -> tuple[str, ...]:
    """An identifier's value is longer than it can be only as its hash."""
    return tuple(dict.fromkeys(compare_form(0, "", text)[2] for text in texts if text))


def _as_email(text: str) -> list[str]:
    try:
        return [clean_email(text)[1]] if "@" in text else []
    except InvalidValue:
        return [text.lower()]


def _as_phone(text: str, country: str) -> list[str]:
    number = parse_phone(text, country)
    return [number] if number else []


def find_contacts(query: Query) -> Found:
    """The contacts that a query means, at most some 150. Merged ids mean their survivors."""
    exact = find_exact(query)
    words = name_words(query, exact)
    if not words:
        return Found(tuple(exact))
    try:
        with stopped_after(NAME_MILLISECONDS, SearchTookTooLong):
            named = Contact.objects.filter(NamesMatch(words), state__in=LISTED).values_list("pk", flat=True)
            by_name, stopped = list(named[:NAMES_AT_MOST]), False
    except SearchTookTooLong:
        by_name, stopped = [], True
    return Found(tuple(exact), tuple(pk for pk in by_name if pk not in exact), stopped)


def find_exact(query: Query) -> list[int]:
    """The ids of the contacts that have one of the values, or the number, at most some 100."""
    return list(dict.fromkeys([*_find_by_value(query), *_find_by_id(query)]))


def name_words(query: Query, exact: Sequence[int]) -> list[str]:
    """The words by which names are looked for; none where the text is no name, or was found to be something else."""
    if not query.names or (exact and not query.looks_like_name):
        return []
    return cut_into_words(" ".join(query.names))


def _find_by_value(query: Query) -> list[int]:
    """Unique kinds by their own index, so that no value which thousands share can hide them."""
    if not query.values:
        return []
    rows = Identifier.objects.filter(value__in=query.values).values_list("contact_id", flat=True)
    if query.kind is not None:
        return list(rows.filter(kind=query.kind)[:FOUND_AT_MOST])
    unique = rows.exclude(kind__in=sorted(SHARED_KINDS)).filter(kind__in=sorted(UNIQUE_KINDS))[:FOUND_AT_MOST]
    shared = rows.filter(kind__in=sorted(SHARED_KINDS))[:FOUND_AT_MOST]
    return list(unique.union(shared, all=True))


def _find_by_id(query: Query) -> list[int]:
    if query.contact_id is None:
        return []
    found = Contact.objects.filter(pk=query.contact_id).values_list("pk", "merged_into_id").first()
    return [found[1] or found[0]] if found else []
