"""What would go tonight, counted within some seconds; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contacts.activity.old_events import count_old_events
from contacts.activity.once import count_old_receipts
from contacts.activity.unmatched import count_old_unmatched
from contacts.identity.old_changes import find_old_changes
from contacts.identity.retention import CONTACTS, VISITORS, find_expired
from contacts.models import Policy
from contacts.retention.rules import CHANGES, EVENTS, RECEIPTS, RULES, UNMATCHED
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["Going", "foresee_tonight"]

SECONDS: Final = 2.0
MILLISECONDS: Final = 1_000
COUNTED: Final = 100_000


class TookTooLong(CardfileError):
    """The time is over."""

    code = "took_too_long"


class Going(NamedTuple):
    """What a rule would take: at least so many where ``is_whole`` is not true; None: too many to be counted here."""

    rule: str
    total: int | None
    is_whole: bool = True


def foresee_tonight(*, at: datetime | None = None) -> list[Going]:
    """By the rules that the policy sets, in their order."""
    moment, policy = at or datetime.now(UTC), Policy.objects.order_by("pk").first() or Policy()
    expired = {going.rule: going for going in foresee_erasing(moment)}
    found = []
    for rule in RULES:
        kept = getattr(policy, rule.setting)
        if kept is not None:
            found.append(expired.get(rule.name) or COUNTS[rule.name](rule.limit(kept, moment)))
    return found


def foresee_erasing(at: datetime) -> Iterator[Going]:
    expired = find_expired(at=at, seconds=SECONDS)
    yield Going(CONTACTS, expired.contacts, expired.is_whole)
    yield Going(VISITORS, expired.visitors, expired.is_whole)


def foresee_changes(before: datetime) -> Going:
    return Going(CHANGES, *find_old_changes(before, seconds=SECONDS))


def foresee_events(before: datetime) -> Going:
    try:
        with stopped_after(MILLISECONDS, TookTooLong):
            return Going(EVENTS, *count_old_events(before.date()))
    except TookTooLong:
        return Going(EVENTS, None)


def foresee_some(rule: str, count: Callable[..., int], before: datetime) -> Going:
    try:
        with stopped_after(MILLISECONDS, TookTooLong):
            found = count(before, limit=COUNTED + 1)
    except TookTooLong:
        return Going(rule, None)
    return Going(rule, min(found, COUNTED), found <= COUNTED)


COUNTS: Final[dict[str, Callable[[datetime], Going]]] = {
    UNMATCHED: lambda before: foresee_some(UNMATCHED, count_old_unmatched, before),
    EVENTS: foresee_events,
    RECEIPTS: lambda before: foresee_some(RECEIPTS, count_old_receipts, before),
    CHANGES: foresee_changes,
}
