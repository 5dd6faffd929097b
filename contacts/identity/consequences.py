"""What another identity policy would have changed, and would change, on the data that is there; nothing is written.

The journal of the last weeks says how often a rule applied that the new policy would not apply; cases and contacts say
what stands that it would not let stand. All of it within a time limit: *at least* so many where that was too short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from contacts.identity.retention import ANONYMOUS, find_expired
from contacts.identity.settled import last_change
from contacts.identity.types import PolicyRules
from contacts.keys import Kind
from contacts.models import CaseReason, CaseStatus, ContactState, DuplicateCase, ImportRow
from contacts.tallies import tally_contacts
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["Consequence", "foresee"]

SECONDS: Final = 2.0
LOOKED_BACK: Final = timedelta(days=30)
SAMPLE: Final = 5
CASES_COUNTED: Final = 1_000
CHANGES: Final = 20_000
"""Numbers of the journal that are looked through at a time."""
CHANNELS: Final = (int(Kind.EMAIL), int(Kind.PHONE))


Foresee = Callable[[PolicyRules, PolicyRules, float], "Consequence"]


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


@dataclass(slots=True)
class Consequence:
    """What one changed setting concerns: so many, or at least so many; the first contacts and cases of them.

    ``code`` says what is counted. ``since`` is how far the journal was looked back, where that is what was counted.
    """

    setting: str
    code: str
    count: int = 0
    is_exact: bool = True
    contacts: list[int] = field(default_factory=list)
    cases: list[int] = field(default_factory=list)
    since: datetime | None = None


# code → condition on a row of the journal. A switch that goes off would have kept these from happening.
_JOURNAL: Final = {
    ("tracking_may_set_external_id", False): "c.by LIKE 'tracker:%%' AND c.after ? 'external_id'",
    ("external_id_attaches_to_found", False): (
        "c.matched_by IN ('email', 'phone') AND c.details ->> 'rule' IN ('L4', 'L5') AND c.after ? 'external_id'"
    ),
    ("tracking_may_replace_channels", False): "c.by LIKE 'tracker:%%' AND (c.before ? 'email' OR c.before ? 'phone')",
    ("merge_anonymous", False): "c.kind = 'merged' AND c.details ->> 'rule' = 'T4' AND c.details ? 'loser'",
}
_WINDOW: Final = """
SELECT min(c.at), {parts} FROM contacts_change c WHERE c.id > %(after)s AND c.id <= %(upto)s
"""
_PART: Final = """
count(*) FILTER (WHERE c.at >= %(since)s AND {condition}),
(array_agg(c.contact_id ORDER BY c.id DESC) FILTER (WHERE c.at >= %(since)s AND {condition}))[1:%(sample)s]
"""
_SHARED: Final = f"""(
SELECT count(*) FROM contacts_contact k WHERE k.id = ANY(contacts_duplicatecase.contact_ids)
AND k.external_id IS NOT NULL AND k.state = {int(ContactState.ACTIVE)}
) > 1"""


def foresee(old: PolicyRules, new: PolicyRules, *, seconds: float = SECONDS) -> list[Consequence]:
    """A consequence for each setting that is another one, in their order."""
    changed = [rule.name for rule in fields(PolicyRules) if getattr(old, rule.name) != getattr(new, rule.name)]
    in_journal = [name for name in changed if (name, getattr(new, name)) in _JOURNAL]
    parts = len(changed) - max(len(in_journal) - 1, 0)
    each = seconds / max(parts, 1)
    found = {one.setting: one for one in _read_journal(in_journal, each)}
    return [found.get(name) or _FORESEEN[name](old, new, each) for name in changed]


# From the journal


def _read_journal(names: Sequence[str], seconds: float) -> list[Consequence]:
    """One walk for all of them, from the newest change backwards."""
    consequences = [Consequence(name, "happened") for name in names]
    if not names:
        return []
    parts = ", ".join(_PART.format(condition=_JOURNAL[name, False]) for name in names)
    upto, until, seen = last_change(), datetime.now(UTC) - LOOKED_BACK, datetime.now(UTC)
    end = monotonic() + seconds
    while upto > 0 and seen > until:
        row = _read_window(_WINDOW.format(parts=parts), upto, until, end - monotonic())
        if row is None:
            break
        seen, upto = min(seen, row[0] or seen), upto - CHANGES
        for one, count, ids in zip(consequences, row[1::2], row[2::2], strict=True):
            one.count += count
            one.contacts += [pk for pk in dict.fromkeys(ids or ()) if pk not in one.contacts][
                : SAMPLE - len(one.contacts)
            ]
    for one in consequences:
        one.since = max(seen, until) if upto > 0 else until
    return consequences


def _read_window(sql: str, upto: int, since: datetime, seconds: float) -> Sequence[Any] | None:
    given: dict[str, Any] = {"after": upto - CHANGES, "upto": upto, "since": since, "sample": SAMPLE}
    try:
        if seconds <= 0:
            return None
        with stopped_after(max(1, int(seconds * 1_000)), Stopped), connection.cursor() as cursor:
            cursor.execute(sql, given)
            row: Sequence[Any] = cursor.fetchone()
            return row
    except Stopped:
        return None


# From what stands


def _by_length(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    """A shorter limit concerns who has a longer ID; a longer one, rows that were refused for theirs."""
    limit = new.external_id_max_length
    if limit < old.external_id_max_length:
        tally = tally_contacts(
            "char_length(c.external_id) > %(limit)s", {"limit": limit}, seconds=seconds, sample=SAMPLE
        )
        return Consequence("external_id_max_length", "too_long", tally.count, tally.is_whole, tally.sample)
    refused = ImportRow.objects.filter(code="external_id_too_long")
    count, is_exact = _count(refused, seconds)
    return Consequence("external_id_max_length", "were_refused", count, is_exact)


def _by_cases(setting: str, reason: CaseReason, code: str, seconds: float) -> Consequence:
    cases = DuplicateCase.objects.filter(status=CaseStatus.OPEN, reason=reason, kind__in=CHANNELS).order_by("-pk")
    if reason == CaseReason.SHARED:
        cases = cases.extra(where=[_SHARED])  # noqa: S610  # our own text
    count, is_exact = _count(cases, seconds)
    sample = list(cases.values_list("pk", flat=True)[:SAMPLE]) if is_exact and count else []
    return Consequence(setting, code, count, is_exact, cases=sample)


def _share(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    name = "external_ids_may_share_channels"
    if new.external_ids_may_share_channels:
        return _by_cases(name, CaseReason.REFUSED, "cases_refused", seconds)
    return _by_cases(name, CaseReason.SHARED, "cases_shared", seconds)


def _attach(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    return _by_cases("external_id_attaches_to_found", CaseReason.REFUSED, "cases_refused", seconds)


def _merge(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    tally = tally_contacts(f"{ANONYMOUS} AND c.identifier_kinds <> 0", seconds=seconds, sample=SAMPLE)
    return Consequence("merge_anonymous", "anonymous", tally.count, tally.is_whole, tally.sample)


def _nothing_known(setting: str) -> Foresee:
    """What tracking was kept from is written nowhere."""
    return lambda old, new, seconds: Consequence(setting, "from_now_on")


def _anonymous(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    only = PolicyRules(anonymous_erased_after_days=new.anonymous_erased_after_days, visitors_erased_after_days=None)
    found = find_expired(policy=only, seconds=seconds, sample=SAMPLE)
    return Consequence("anonymous_erased_after_days", "erased", found.contacts, found.is_whole, found.contact_ids)


def _visitors(old: PolicyRules, new: PolicyRules, seconds: float) -> Consequence:
    only = PolicyRules(anonymous_erased_after_days=None, visitors_erased_after_days=new.visitors_erased_after_days)
    found = find_expired(policy=only, seconds=seconds, sample=0)
    return Consequence("visitors_erased_after_days", "visitors_erased", found.visitors, found.is_whole)


_FORESEEN: Final[Mapping[str, Foresee]] = {
    "external_id_max_length": _by_length,
    "tracking_may_set_external_id": _nothing_known("tracking_may_set_external_id"),
    "external_id_attaches_to_found": _attach,
    "tracking_may_replace_channels": _nothing_known("tracking_may_replace_channels"),
    "merge_anonymous": _merge,
    "external_ids_may_share_channels": _share,
    "anonymous_erased_after_days": _anonymous,
    "visitors_erased_after_days": _visitors,
}


def _count(rows: QuerySet[Any], seconds: float) -> tuple[int, bool]:
    """How many, up to a thousand; (0, False) where the time was over first."""
    try:
        with stopped_after(max(1, int(seconds * 1_000)), Stopped):
            count = rows[: CASES_COUNTED + 1].count()
    except Stopped:
        return 0, False
    return min(count, CASES_COUNTED), count <= CASES_COUNTED
