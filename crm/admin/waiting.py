"""What waits for somebody: cases to be decided, things that failed. The sidebar counts it, the dashboard lists it.

A room registers what it has. All of it is counted by one statement, each up to 99 and one more, and what was counted
holds for some seconds, so that a page costs nothing by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest

__all__ = [
    "MOST",
    "Waiting",
    "forget_counts",
    "list_waiting",
    "read_counts",
    "register",
    "say_count",
    "sees_what_waits",
]

MOST: Final = 99
SECONDS: Final = 15
KEY: Final = "crm.admin.waiting"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of things that wait.

    ``rows`` are they, in a condition that an index answers; ``say`` is a lazy plural about so many of them (count,
    number), ``advice`` what to do, ``link`` where. ``entry`` is the sidebar's entry that shows the number, if one does.
    """

    name: str
    rows: Callable[[], QuerySet[Any]]
    say: Any
    advice: Any
    link: Callable[[], str]
    may_see: Callable[[HttpRequest], bool]
    order: int = 50
    entry: str = ""
    is_trouble: bool = True

    def says(self, count: int) -> str:
        """The sentence about so many of them."""
        return str(self.say % {"count": say_count(count), "number": count})


_kinds: dict[str, Waiting] = {}


def register(waiting: Waiting) -> None:
    """Once a name."""
    _kinds[waiting.name] = waiting


def read_counts() -> Mapping[str, int]:
    """By name, each at most ``MOST`` + 1; some seconds old."""
    counts: Mapping[str, int] | None = cache.get(KEY)
    if counts is None or counts.keys() != _kinds.keys():
        counts = _count()
        cache.set(KEY, counts, SECONDS)
    return counts


def forget_counts() -> None:
    """Something was done about them just now."""
    cache.delete(KEY)


def list_waiting(request: HttpRequest) -> list[tuple[Waiting, int]]:
    """What there is of it, for whom may see it."""
    counts = read_counts()
    there = [one for one in _kinds.values() if counts[one.name] and one.may_see(request)]
    return [(one, counts[one.name]) for one in sorted(there, key=lambda one: one.order)]


def sees_what_waits(request: HttpRequest) -> bool:
    """Whether there is anything that may ever wait for this person."""
    return any(one.may_see(request) for one in _kinds.values())


def say_count(count: int) -> str:
    """As a badge has it."""
    return f"{MOST}+" if count > MOST else str(count)


def _count() -> dict[str, int]:
    names: list[str] = []
    texts: list[str] = []
    params: list[Any] = []
    for name, one in _kinds.items():
        try:
            text, given = one.rows().order_by().values("pk")[: MOST + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        names.append(name)
        texts.append(f"(SELECT count(*) FROM ({text}) AS found)")
        params += given
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(texts) or 'NULL'}", params)
        found = cursor.fetchone()
    return dict.fromkeys(_kinds, 0) | dict(zip(names, found, strict=False))
