"""A few contacts to choose among, for whoever types into a box: the exact ones first, then names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contacts.finding.paging import Wanted, read_page
from contacts.finding.search import Query, search_by
from contacts.models import Contact, ContactState

__all__ = ["Found", "find_contacts"]

NAMES_AT_MOST: Final = 50
NAME_MILLISECONDS: Final = 1_500
LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of contacts: those found by an exact value, and those by name; ``stopped`` where names took too long."""

    exact: tuple[int, ...] = ()
    by_name: tuple[int, ...] = ()
    stopped: bool = False


def find_contacts(query: Query) -> Found:
    """The contacts that a query means, at most some 150. Merged ids mean their survivors."""
    wanted = Wanted(Contact.objects.filter(state__in=LISTED), searched=search_by(query))
    page = read_page(wanted, size=NAMES_AT_MOST, milliseconds=NAME_MILLISECONDS)
    exact = tuple(row.pk for row in page.rows if row.pk in page.exact)
    by_name = tuple(row.pk for row in page.rows if row.pk not in page.exact)
    return Found(exact, by_name, stopped=not page.is_complete)
