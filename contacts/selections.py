"""Contacts that somebody chose: some by hand, or all that a list shows under its search and filters.

The list, its bulk actions, its exports and saved views mean the same contacts by it: what one sees is what a job works
on. It holds nothing but ids or the parameters of the list's address, so that it can be stored and read later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet
from django.http import QueryDict

from contacts.columns import CUSTOM_PREFIX
from contacts.custom_filters import UnknownCondition
from contacts.filters import LIST_CONDITIONS, narrow_list, read_bound
from contacts.finding.facets import FACETED
from contacts.finding.paging import Wanted
from contacts.finding.search import search_for
from contacts.models import Contact, ContactState
from crm.errors import CardfileError

__all__ = ["BrokenSelection", "Selection", "is_condition"]

LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)
"""Merged and erased contacts are no sheets."""
PERIOD: Final = (("changed_from", False), ("changed_to", True))
"""When a contact changed last: the order of the list, so what it is found along. The second is the period's end."""
VALUES_AT_MOST: Final = 100
LONGEST_VALUE: Final = 1_000

Values = str | list[str]


class BrokenSelection(CardfileError):
    """The selection cannot be read. Choose the contacts again."""

    code = "broken_selection"


@dataclass(frozen=True, slots=True)
class Selection:
    """Either ``ids``, or ``conditions``: the parameters of the list's address by name, ``q`` included.

    Several values of a condition mean any of them, of ``segment`` each of them. Without a state, active contacts are
    meant, and with a search deleted ones too, as the list has it.
    """

    ids: tuple[int, ...] | None = None
    conditions: Mapping[str, Values] = field(default_factory=dict)

    @classmethod
    def from_query(cls, query: QueryDict) -> Selection:
        """What a list's address asks for; parameters that narrow nothing, such as the page, are left out."""
        asked = {name: Selection.kept(query.getlist(name)) for name in query if is_condition(name)}
        return cls(conditions={name: _shorten(values) for name, values in asked.items() if values})

    @classmethod
    def from_json(cls, data: Any) -> Selection:
        """What ``as_json`` wrote; raises ``BrokenSelection`` and ``UnknownCondition``, and never means everybody."""
        match data:
            case {"ids": list(ids), **rest} if not rest and all(type(pk) is int for pk in ids):
                return cls(ids=tuple(ids))
            case {"conditions": dict(conditions), **rest} if not rest:
                return cls(conditions={name: _read_values(name, values) for name, values in conditions.items()})
        raise BrokenSelection

    @staticmethod
    def kept(values: Iterable[str]) -> list[str]:
        """What of the values of a condition counts: no database can hold a NUL, and an empty value is none."""
        cleaned = (value.replace("\x00", "").strip()[:LONGEST_VALUE] for value in values)
        return list(dict.fromkeys(value for value in cleaned if value))[:VALUES_AT_MOST]

    def as_json(self) -> dict[str, Any]:
        return {"conditions": dict(self.conditions)} if self.ids is None else {"ids": list(self.ids)}

    @property
    def is_whole(self) -> bool:
        """Nothing narrows it: all active contacts are meant."""
        return self.ids is None and not self.conditions

    def contacts(self) -> QuerySet[Contact]:
        """Whom it means at this moment, in no order; raises ``UnknownCondition`` where a custom field is gone."""
        return self.wanted().everybody()

    def wanted(self) -> Wanted:
        """The same in the parts that finding a page of it needs."""
        contacts = Contact.objects.filter(state__in=LISTED)
        if self.ids is not None:
            return Wanted(contacts.filter(pk__in=self.ids))
        narrowing = dict(self.narrowing())
        searched = search_for(narrowing.pop("q")[-1]) if "q" in narrowing else None
        period = {
            name: read_bound(narrowing.pop(name)[-1], is_end=is_end) for name, is_end in PERIOD if name in narrowing
        }
        for name, values in narrowing.items():
            contacts = narrow_list(contacts, name, values)
        if None in period.values():
            contacts = contacts.none()
        return Wanted(
            contacts,
            faceted=[(name, values) for name, values in narrowing.items() if name in FACETED],
            is_faceted=searched is None and narrowing.keys() <= FACETED.keys(),
            since=period.get("changed_from"),
            before=period.get("changed_to"),
            searched=searched,
        )

    def narrowing(self) -> list[tuple[str, list[str]]]:
        """The conditions with their values, the state always among them."""
        state = [] if "state" in self.conditions else [("state", ["all" if "q" in self.conditions else "active"])]
        return [*state, *((name, _listed(values)) for name, values in self.conditions.items())]


def is_condition(name: str) -> bool:
    """Whether a parameter of the list's address narrows it."""
    return name in LIST_CONDITIONS or name.startswith(CUSTOM_PREFIX)


def _shorten(values: list[str]) -> Values:
    return values[0] if len(values) == 1 else values


def _listed(values: Values) -> list[str]:
    return [values] if isinstance(values, str) else list(values)


def _read_values(name: Any, values: Any) -> Values:
    if not isinstance(name, str) or not is_condition(name):
        raise UnknownCondition(path=str(name))
    if not isinstance(values, str | list) or not all(isinstance(value, str) for value in values):
        raise BrokenSelection(path=name)
    kept = Selection.kept(_listed(values))
    if not kept:
        raise BrokenSelection(path=name)
    return _shorten(kept)
