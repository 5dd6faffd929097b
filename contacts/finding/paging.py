"""A page of a list of contacts in the order of their last change, at a bounded cost whatever narrows the list.

There is no count and no offset: a page begins behind a place (a moment and an id), so that the thousandth page costs
what the first one does. How it is found does not depend on what the planner thinks of a condition:

1. What many have is met soon: the newest ``NEAR`` contacts behind the place are looked at along ``updated_at``.
2. What that did not fill is rare, or lies far back. Conditions that facets answer are answered by them, exactly.
3. All others are asked of the whole table, through an index if there is one, within a time limit. The page says whether
   it was reached: then it holds what step 1 found, and the list is to be narrowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import F, Q, QuerySet, Value

from contacts.finding.facets import FACETED, FIND_SQL
from contacts.finding.names import names_match, near_names
from contacts.finding.search import Searched
from contacts.finding.sql import Holds
from contacts.models import Contact
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["NEAR", "Page", "Place", "Wanted", "read_page"]

NEAR: Final = 10_000
"""Contacts that step 1 looks at; what fewer than one in four hundred has is looked for otherwise."""
NEAR_FOR_FACETS: Final = 1_000
"""Of what facets answer: they are as quick."""
NEAR_FOR_NAMES: Final = 16_000
"""Of names: most are ruled out by their letters, and two common ones together are what an index is slowest at."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class StillLooking(CardfileError):
    """Not all contacts could be looked at in time. Narrow the list."""

    code = "took_too_long"


class Place(NamedTuple):
    """Where a page begins or ends: behind the contact with this id, that changed last at this moment."""

    at: datetime
    pk: int

    @property
    def token(self) -> str:
        """As it stands in an address: microseconds and the id."""
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.pk}"

    @classmethod
    def read(cls, token: str) -> Place | None:
        moment, _dash, number = token.partition("-")
        if not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in (moment, number)):
            return None
        try:
            return cls(EPOCH + timedelta(microseconds=int(moment)), int(number))
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed by, in the parts that finding it needs.

    ``contacts`` is the whole condition but for the search and for when the contacts changed last, which is ``since``
    and ``before``. ``faceted`` are its conditions that facets answer, and ``is_faceted`` whether these are all of them.
    """

    contacts: QuerySet[Contact]
    faceted: Sequence[tuple[str, list[str]]] = ()
    is_faceted: bool = False
    since: datetime | None = None
    before: datetime | None = None
    searched: Searched | None = None

    def everybody(self) -> QuerySet[Contact]:
        """All whom it means, in no order."""
        found = self.contacts if self.searched is None else self.contacts.filter(self.searched.condition)
        return found.filter(*self.period)

    @property
    def period(self) -> list[Q]:
        """When they changed last."""
        since = [Q(updated_at__gte=self.since)] if self.since else []
        return since + ([Q(updated_at__lt=self.before)] if self.before else [])


@dataclass(frozen=True, slots=True)
class Page:
    """``older`` and ``newer`` are where the neighbouring pages begin, None where there are none.

    ``exact`` are the ids among the rows that the search found by a value. ``is_complete`` is False where not all
    contacts could be looked at in time.
    """

    rows: list[Contact] = field(default_factory=list)
    older: Place | None = None
    newer: Place | None = None
    exact: frozenset[int] = frozenset()
    is_complete: bool = True


def read_page(
    wanted: Wanted,
    *,
    size: int,
    milliseconds: int,
    older: Place | None = None,
    newer: Place | None = None,
    oldest_first: bool = False,
    near: int | None = None,
) -> Page:
    """The first page, or the one of contacts older or newer than a place; the newest first unless asked for.

    What step 3 does takes at most so many ``milliseconds``; 0 leaves it out. ``near`` is what step 1 looks at.
    """
    if wanted.contacts.query.is_empty():  # one of the conditions means nothing
        return Page()
    place = older or newer
    ascending = oldest_first if place is None else place is newer
    exact = [] if place else _read_exact(wanted)
    if wanted.searched is not None and not wanted.searched.words:
        return Page(exact, exact=frozenset(row.pk for row in exact))
    found, is_complete = _Search(wanted, place, ascending, size + 1, milliseconds, near).run()
    has_more = len(found) > size
    if place and not has_more and ascending is not oldest_first:  # back at the beginning
        return read_page(wanted, size=size, milliseconds=milliseconds, oldest_first=oldest_first, near=near)
    rows = found[:size] if ascending is oldest_first else found[size - 1 :: -1]
    oldest, newest = (rows[:1], rows[-1:]) if oldest_first else (rows[-1:], rows[:1])
    return Page(
        rows=[*exact, *rows],
        older=_place_of(oldest) if (place if ascending else has_more) else None,
        newer=_place_of(newest) if (has_more if ascending else place) else None,
        exact=frozenset(row.pk for row in exact),
        is_complete=is_complete,
    )


def _place_of(rows: Sequence[Contact]) -> Place | None:
    return Place(rows[0].updated_at, rows[0].pk) if rows else None


def _read_exact(wanted: Wanted) -> list[Contact]:
    if wanted.searched is None or not wanted.searched.exact:
        return []
    return list(wanted.contacts.filter(*wanted.period, pk__in=wanted.searched.exact).order_by("-updated_at", "-pk"))


def usual_near(wanted: Wanted) -> int:
    if wanted.is_faceted:
        return NEAR_FOR_FACETS
    return NEAR_FOR_NAMES if wanted.searched else NEAR


def behind(place: Place, sign: str) -> Holds:
    """The contact's place compared with another: both parts at once, as the index has them."""
    return Holds(f"({{0}}, {{1}}) {sign} (%s, %s)", "updated_at", "pk", params=tuple(place))


class _Search:
    """One search for the rows of a page."""

    def __init__(
        self, wanted: Wanted, place: Place | None, ascending: bool, limit: int, milliseconds: int, near: int | None
    ) -> None:
        self.wanted = wanted
        self.place = place
        self.ascending = ascending
        self.order = ("updated_at", "pk") if ascending else ("-updated_at", "-pk")
        self.limit = limit
        self.milliseconds = milliseconds
        self.near = usual_near(wanted) if near is None else near
        self.contacts = self.near_contacts = wanted.contacts
        if searched := wanted.searched:
            others = wanted.contacts.exclude(pk__in=searched.exact)
            self.contacts = others.filter(names_match(searched.words, whole=searched.whole))
            self.near_contacts = others.filter(near_names(searched.words, whole=searched.whole))

    def run(self) -> tuple[list[Contact], bool]:
        """The rows, and whether all contacts were looked at for them."""
        edge = self.find_edge()
        near = self.near_contacts.filter(*self.bounds(edge)).order_by(*self.order)
        found = list(near[: self.limit])
        if len(found) == self.limit or edge is None:
            return found, True
        if self.wanted.is_faceted:
            return self.find_by_facets(), True
        if not self.milliseconds:
            return found, False
        try:
            with stopped_after(self.milliseconds, StillLooking):
                return self.find_anywhere(), True
        except StillLooking:
            return found, False

    def find_edge(self) -> Place | None:
        """The contact up to which step 1 looks, None where it looks at all there are; one walk along the index."""
        changed = Contact.objects.filter(*self.bounds(None)).order_by(*self.order)
        row = changed.values_list("updated_at", "pk")[self.near : self.near + 1].first()
        return Place(*row) if row else None

    def bounds(self, edge: Place | None) -> list[Any]:
        """Behind the place, before the edge, and within the period."""
        sign = (">", "<=") if self.ascending else ("<", ">=")
        found: list[Any] = [behind(self.place, sign[0])] if self.place else []
        found += [behind(edge, sign[1])] if edge else []
        return found + self.wanted.period

    def find_by_facets(self) -> list[Contact]:
        """The ids of the first in each facet that matches, and their rows."""
        packed = [FACETED[name](name, values) for name, values in self.wanted.faceted]
        params: dict[str, Any] = {"limit": self.limit}
        for bits in packed:
            params |= bits.params
        sql = FIND_SQL.format(
            condition=" AND ".join(bits.sql for bits in packed) or "true",
            bounds=self.write_bounds(params),
            order="ASC" if self.ascending else "DESC",
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            ids = [pk for (pk,) in cursor.fetchall()]
        return list(Contact.objects.filter(pk__in=ids).order_by(*self.order)) if ids else []

    def write_bounds(self, params: dict[str, Any]) -> str:
        """The bounds as SQL; their parameters are added."""
        wanted, written = self.wanted, ""
        if self.place:
            params |= {"at": self.place.at, "pk": self.place.pk}
            written += f" AND (c.updated_at, c.id) {'>' if self.ascending else '<'} (%(at)s, %(pk)s)"
        if wanted.since:
            params["since"] = wanted.since
            written += " AND c.updated_at >= %(since)s"
        if wanted.before:
            params["before"] = wanted.before
            written += " AND c.updated_at < %(before)s"
        return written

    def find_anywhere(self) -> list[Contact]:
        """Through whichever index finds few. Ordered by what is no column, so that it never walks along the order."""
        moment = F("updated_at") + Value(timedelta(0))
        order = (moment.asc(), "pk") if self.ascending else (moment.desc(), "-pk")
        return list(self.contacts.filter(*self.bounds(None)).order_by(*order)[: self.limit])
