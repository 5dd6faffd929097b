"""Which identifiers a junk value, or a pattern, would concern; nothing is written.

They stay where they are: junk is refused as an identifier when it comes again, which then finds nobody.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any, Final

import re2
from django.db import connection

from contacts.keys import Kind
from contacts.tallies import SECONDS, Tally
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["find_touched"]

WINDOW: Final = 10_000
SAMPLE: Final = 10
NO_MATTER: Final = (int(Kind.ORDER), int(Kind.ADVERTISING))

_PAGE: Final = """
SELECT value, id, contact_id FROM contacts_identifier
WHERE (value, id) > (%s, %s) AND NOT kind = ANY(%s) ORDER BY value, id LIMIT %s
"""

_WRITTEN: Final = "SELECT contact_id FROM contacts_identifier WHERE value = ANY(%s) AND NOT kind = ANY(%s) LIMIT %s"


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


def find_touched(text: str, *, is_pattern: bool, seconds: float = SECONDS) -> Tally:
    """How many identifiers have it now, in the order of their values; ``sample`` are whose the first ones are.

    A value is compared without case. A pattern is searched as resolution does: by RE2, in every value.
    """
    matches = _search(text) if is_pattern else _equals(text)
    end = monotonic() + seconds
    at_once = Tally() if is_pattern else _look_up(text.strip())
    found = _go_through(matches, end)
    return found if found.is_whole or found.count >= at_once.count else replace(at_once, is_whole=False)


def _look_up(text: str) -> Tally:
    """The writings that are likely, by the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITTEN, [sorted({text, text.lower(), text.upper(), text.capitalize()}), list(NO_MATTER), WINDOW]
        )
        ids = [contact_id for (contact_id,) in cursor.fetchall()]
    return Tally(len(ids), sample=list(dict.fromkeys(ids))[:SAMPLE])


def _go_through(matches: Any, end: float) -> Tally:
    found, place = Tally(), ("", 0)
    while True:
        rows = _read(place, end)
        if rows is None:
            found.is_whole = False
            return found
        for value, _id, contact_id in rows:
            if matches(value):
                found.count += 1
                if len(found.sample) < SAMPLE and contact_id not in found.sample:
                    found.sample.append(contact_id)
        found.looked_at += len(rows)
        if len(rows) < WINDOW:
            return found
        place = rows[-1][0], rows[-1][1]


def _search(pattern: str) -> Any:
    return re2.compile(pattern).search


def _equals(text: str) -> Any:
    wanted = text.strip().lower()
    return lambda value: value.lower() == wanted


def _read(place: tuple[str, int], end: float) -> list[tuple[str, int, int]] | None:
    left = int((end - monotonic()) * 1_000)
    if left <= 0:
        return None
    try:
        with stopped_after(left, Stopped), connection.cursor() as cursor:
            cursor.execute(_PAGE, [*place, list(NO_MATTER), WINDOW])
            return list(cursor.fetchall())
    except Stopped:
        return None
