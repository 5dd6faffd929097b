"""Whether contacts are one person, as far as their sheets tell (pure): signs, and one table of rules over them.

The first rule whose signs are all there decides. Contacts with different external IDs are never *clear*: the company's
own system holds them apart. Nothing here merges anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from contacts.identity.names import is_full_name

__all__ = ["RULES", "Advice", "Facts", "Level", "Rule", "Sign", "advise", "choose_survivor", "find_signs", "judge"]

TOO_MANY: Final = 10
"""Contacts in one case from which on nobody can say much."""


class Level(IntEnum):
    """How sure it is; the numbers are those of ``Suggestion``."""

    CLEAR = 1
    LIKELY = 2
    UNSURE = 3
    UNLIKELY = 4


class Sign(StrEnum):
    """What two contacts have in common, and what sets them apart."""

    SAME_EMAIL = "same_email"
    SAME_PHONE = "same_phone"
    SAME_NAME = "same_name"
    SAME_BIRTHDAY = "same_birthday"
    NAME_FITS = "name_fits"
    NAME_MISSING = "name_missing"
    ONE_EXTERNAL_ID = "one_external_id"
    OTHER_NAME = "other_name"
    OTHER_BIRTHDAY = "other_birthday"
    OTHER_EXTERNAL_ID = "other_external_id"
    ONE_DELETED = "one_deleted"
    NOTHING_SHARED = "nothing_shared"
    TOO_MANY = "too_many"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one contact. Values are in compare form, further ones among them; the name is in parts."""

    id: int
    is_active: bool
    created_at: datetime
    external_ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    name: tuple[str, ...] = ()
    birthday: date | None = None
    order_count: int = 0


class Rule(NamedTuple):
    """All of ``needs`` there: then ``level``."""

    level: Level
    needs: frozenset[Sign]


class Advice(NamedTuple):
    """What is suggested for the contacts of a case, with its reasons; ``survivor_id`` is who should stay."""

    level: Level
    signs: tuple[Sign, ...]
    survivor_id: int | None = None


def _rule(level: Level, *needs: Sign) -> Rule:
    return Rule(level, frozenset(needs))


RULES: Final = (
    # What speaks against them comes first: a household shares an email, a phone and a last name, but no birthday.
    _rule(Level.UNLIKELY, Sign.OTHER_BIRTHDAY),
    _rule(Level.UNLIKELY, Sign.NOTHING_SHARED),
    _rule(Level.UNLIKELY, Sign.OTHER_NAME, Sign.OTHER_EXTERNAL_ID),
    _rule(Level.UNSURE, Sign.OTHER_NAME, Sign.SAME_EMAIL, Sign.SAME_PHONE),
    _rule(Level.UNLIKELY, Sign.OTHER_NAME),
    # The company's own system holds them apart: never clear.
    _rule(Level.LIKELY, Sign.OTHER_EXTERNAL_ID, Sign.SAME_NAME, Sign.SAME_EMAIL),
    _rule(Level.LIKELY, Sign.OTHER_EXTERNAL_ID, Sign.SAME_NAME, Sign.SAME_BIRTHDAY),
    _rule(Level.UNSURE, Sign.OTHER_EXTERNAL_ID),
    # Somebody deleted one of them on purpose.
    _rule(Level.UNSURE, Sign.ONE_DELETED),
    # One and the same name.
    _rule(Level.CLEAR, Sign.SAME_NAME, Sign.SAME_EMAIL),
    _rule(Level.CLEAR, Sign.SAME_NAME, Sign.SAME_PHONE, Sign.SAME_BIRTHDAY),
    _rule(Level.LIKELY, Sign.SAME_NAME, Sign.SAME_PHONE),
    _rule(Level.LIKELY, Sign.SAME_NAME, Sign.SAME_BIRTHDAY),
    # A name that fits, or that is not known.
    _rule(Level.LIKELY, Sign.SAME_EMAIL, Sign.SAME_PHONE),
    _rule(Level.LIKELY, Sign.SAME_EMAIL, Sign.NAME_FITS),
    _rule(Level.LIKELY, Sign.SAME_EMAIL, Sign.SAME_BIRTHDAY),
    _rule(Level.LIKELY, Sign.SAME_PHONE, Sign.SAME_BIRTHDAY),
    _rule(Level.LIKELY, Sign.SAME_EMAIL, Sign.NAME_MISSING),
    _rule(Level.UNSURE),
)
"""The first that holds decides."""


def judge(signs: frozenset[Sign]) -> Level:
    """The level that the table gives to these signs."""
    return next(rule.level for rule in RULES if rule.needs <= signs)


def find_signs(one: Facts, other: Facts) -> frozenset[Sign]:
    """What two contacts have in common, and what sets them apart."""
    signs = {sign for sign, holds in _compare_values(one, other).items() if holds}
    name = _compare_names(one.name, other.name)
    signs.add(name)
    shares_a_name_and_a_day = {Sign.SAME_NAME, Sign.SAME_BIRTHDAY} <= signs
    if not shares_a_name_and_a_day and not signs & {Sign.SAME_EMAIL, Sign.SAME_PHONE}:
        signs.add(Sign.NOTHING_SHARED)
    return frozenset(signs)


def _compare_values(one: Facts, other: Facts) -> dict[Sign, bool]:
    both_born = one.birthday is not None and other.birthday is not None
    both_known = bool(one.external_ids and other.external_ids)
    return {
        Sign.SAME_EMAIL: bool(one.emails & other.emails),
        Sign.SAME_PHONE: bool(one.phones & other.phones),
        Sign.SAME_BIRTHDAY: both_born and one.birthday == other.birthday,
        Sign.OTHER_BIRTHDAY: both_born and one.birthday != other.birthday,
        Sign.OTHER_EXTERNAL_ID: both_known,
        Sign.ONE_DELETED: not (one.is_active and other.is_active),
        Sign.ONE_EXTERNAL_ID: bool(one.external_ids or other.external_ids) and not both_known,
    }


def _compare_names(one: tuple[str, ...], other: tuple[str, ...]) -> Sign:
    if not one or not other:
        return Sign.NAME_MISSING
    if one == other:
        return Sign.SAME_NAME if is_full_name(one) else Sign.NAME_FITS
    if set(one) <= set(other) or set(other) <= set(one):
        return Sign.NAME_FITS
    return Sign.OTHER_NAME


def choose_survivor(contacts: Sequence[Facts]) -> Facts:
    """Who should stay: one that is active, has an external ID, has the most orders, came first."""
    return min(
        contacts,
        key=lambda one: (not one.is_active, not one.external_ids, -one.order_count, one.created_at, one.id),
    )


def advise(contacts: Sequence[Facts]) -> Advice:
    """What to do with the contacts of one case: the least sure of all who would go into the survivor decides."""
    if len(contacts) < 2:
        return Advice(Level.UNLIKELY, (Sign.ALONE,), contacts[0].id if contacts else None)
    survivor = choose_survivor(contacts)
    if len(contacts) > TOO_MANY:
        return Advice(Level.UNLIKELY, (Sign.TOO_MANY,), survivor.id)
    compared = [find_signs(survivor, other) for other in contacts if other.id != survivor.id]
    signs = max(compared, key=judge)
    return Advice(judge(signs), tuple(sign for sign in Sign if sign in signs), survivor.id)
