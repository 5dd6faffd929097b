"""One box that finds contacts by whatever a person has at hand: exact values through identifiers first, then names.

``read_query`` says what a text may mean (pure); ``search_for`` asks the database, a handful of bounded statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from contacts.finding.names import cut_into_words, names_match
from contacts.identity.settings import current_settings
from contacts.keys import SHARED_KINDS, UNIQUE_KINDS, Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import InvalidValue, clean_email, compare_form
from contacts.phones import parse_phone

__all__ = ["Query", "Searched", "read_query", "search_by", "search_for"]

FOUND_AT_MOST: Final = 50
SHORTEST_NAME: Final = 2
DIGITS_OF_A_NUMBER: Final = 4
LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)


@dataclass(frozen=True, slots=True)
class Query:
    """What a text may mean. ``values`` are compare forms of identifiers, of ``kind`` alone where that is given."""

    contact_id: int | None = None
    values: tuple[str, ...] = ()
    kind: Kind | None = None
    names: tuple[str, ...] = ()
    looks_like_name: bool = False


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


@dataclass(frozen=True, slots=True)
class Searched:
    """What a text was found to mean: contacts by their ids, and names, by the beginnings of words or ``whole`` ones."""

    exact: tuple[int, ...]
    words: tuple[str, ...] = ()
    whole: bool = False

    @property
    def condition(self) -> Q:
        found = Q(pk__in=self.exact)
        return found | Q(names_match(self.words, whole=self.whole)) if self.words else found


def search_for(text: str) -> Searched:
    """What the search box understands by a text."""
    return search_by(read_query(text, current_settings().schema.country))


def search_by(query: Query) -> Searched:
    """Several words are whole words if anybody is called so, else beginnings."""
    exact = tuple(find_exact(query))
    words = tuple(name_words(query, exact))
    return Searched(exact, words, whole=len(words) > 1 and _is_anybody_called(words))


def _is_anybody_called(words: Sequence[str]) -> bool:
    """Whether somebody has all of them as they stand: quick to ask of the index, as beginnings are not."""
    return Contact.objects.filter(names_match(words, whole=True), state__in=LISTED).exists()


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
