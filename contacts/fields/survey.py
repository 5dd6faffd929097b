"""What a change of a custom field would meet, looked up within a time limit; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from contacts.columns import Column
from contacts.fields.conversion import converter_to
from contacts.identity.field_values import Held, key_of, read_values
from contacts.identity.settings import current_settings
from contacts.models import read_account_zone
from contacts.normalize import InvalidValue, custom_key_value
from contacts.tallies import SECONDS
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = [
    "Survey",
    "Trouble",
    "find_common_values",
    "survey_conversion",
    "survey_keys",
    "survey_options",
    "walk_values",
]

PAGE: Final = 2_000
LONGEST_SHOWN: Final = 120
TROUBLES_KEPT: Final = 100


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A value that stands in the way: whose it is, the value as it can be shown, and why."""

    contact: int
    value: str
    message: str


@dataclass(slots=True)
class Survey:
    """Of ``values`` that were looked at, so many fit; ``is_whole`` where none was left out.

    ``found`` counts what was asked for by name: how many have an option, how many share a value.
    """

    values: int = 0
    fitting: int = 0
    is_whole: bool = True
    troubles: list[Trouble] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)

    @property
    def unfit(self) -> int:
        return self.values - self.fitting

    def refuse(self, held: Held, message: str) -> None:
        if len(self.troubles) < TROUBLES_KEPT:
            self.troubles.append(Trouble(held.contact_id, show_value(held.value), message))


def survey_conversion(key: str, column: Column, *, seconds: float = SECONDS) -> Survey:
    """How many values can be read as those of ``column``, and which cannot."""
    convert, survey = converter_to(column, zone=read_account_zone()), Survey()

    def look(held: Held) -> None:
        try:
            convert(held.value)
            survey.fitting += 1
        except InvalidValue as error:
            survey.refuse(held, error.message)

    return _walk(key, survey, look, seconds)


def survey_options(key: str, options: Collection[str], *, seconds: float = SECONDS) -> Survey:
    """How many contacts have each of these options: ``found``."""
    wanted, survey = set(options), Survey()

    def look(held: Held) -> None:
        given = held.value if isinstance(held.value, list) else [held.value]
        survey.fitting += 1
        survey.found.update(option for option in given if isinstance(option, str) and option in wanted)

    return _walk(key, survey, look, seconds)


def find_common_values(key: str, *, at_most: int = 50, seconds: float = SECONDS) -> list[str]:
    """The values that most contacts have, as texts; none where there are too many different ones for options."""
    survey = Survey()

    def look(held: Held) -> None:
        given = held.value if isinstance(held.value, list) else [held.value]
        survey.found.update(show_value(value) for value in given if not isinstance(value, bool))
        if len(survey.found) > at_most:
            raise Stopped

    _walk(key, survey, look, seconds)
    return [] if len(survey.found) > at_most else [value for value, _count in survey.found.most_common()]


def survey_keys(key: str, *, seconds: float = SECONDS) -> Survey:
    """How many values can identify somebody. ``found``: ``shared`` values that several contacts have."""
    schema, survey, seen = current_settings().schema, Survey(), Counter[str]()

    def look(held: Held) -> None:
        if key_of(key, held.value, schema) is None:
            survey.refuse(held, "This value is a placeholder or too long, so it identifies nobody.")
            return
        survey.fitting += 1
        seen[custom_key_value(held.value)] += 1

    _walk(key, survey, look, seconds)
    survey.found["shared"] = sum(1 for count in seen.values() if count > 1)
    survey.found["sharing"] = sum(count for count in seen.values() if count > 1)
    return survey


def walk_values(key: str, *, after: int = 0, seconds: float | None = None) -> Iterator[list[Held]]:
    """Pages of values in the order of the contacts; raises ``Stopped`` when the time is over."""
    end = None if seconds is None else monotonic() + seconds
    while True:
        page = _read_page(key, after, end)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].contact_id


def _read_page(key: str, after: int, end: float | None) -> list[Held]:
    if end is None:
        return read_values(key, after=after, limit=PAGE)
    left = int((end - monotonic()) * 1_000)
    if left <= 0:
        raise Stopped
    with stopped_after(left, Stopped):
        return read_values(key, after=after, limit=PAGE)


def _walk(key: str, survey: Survey, look: Callable[[Held], None], seconds: float) -> Survey:
    try:
        for page in walk_values(key, seconds=seconds):
            for held in page:
                survey.values += 1
                look(held)
    except Stopped:
        survey.is_whole = False
    return survey


def show_value(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
