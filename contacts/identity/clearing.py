"""Merges all clear cases of one moment, each in its own transaction, and takes them back as a whole.

A case is judged again on its turn, and merged only as it was judged: whoever changes one of the two meanwhile is never
overwritten. Few are merged while the caller waits, many by a job; one that died goes on after the case it came to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from contacts.identity.assessing import Party, advise_case, birthday_key, read_parties
from contacts.identity.duplicates import waiting_cases
from contacts.identity.merge import merge_contacts, undo_merge
from contacts.identity.suggestions import Level
from contacts.models import Clearing, DuplicateCase, Merge, Suggestion
from crm.errors import CardfileError
from crm.jobs import app

__all__ = ["AT_ONCE", "MOST", "clear_cases", "clear_waiting", "count_clear", "stop_clearing", "take_back_clearing"]

AT_ONCE: Final = 20
"""Cases that are merged while the caller waits."""
MOST: Final = 100_000
BATCH: Final = 20
CLEAR_JOB: Final = "contacts.identity.clear_cases"
TAKE_BACK_JOB: Final = "contacts.identity.take_back_clearing"


class NothingClear(CardfileError):
    """No case is clear at the moment. Decide the others one by one."""

    code = "nothing_clear"


def count_clear(most: int) -> int:
    """How many clear cases wait, up to ``most``."""
    return _clear()[:most].count()


def _clear() -> QuerySet[DuplicateCase]:
    return waiting_cases().filter(suggestion=Suggestion.CLEAR)


def clear_waiting(*, by: str) -> Clearing:
    """Merge all clear cases that wait now; raises ``NothingClear``."""
    total = count_clear(MOST)
    if not total:
        raise NothingClear
    with transaction.atomic():
        clearing = Clearing.objects.create(by=by, total=total)
        if total > AT_ONCE:
            app.configure_task(CLEAR_JOB, allow_unknown=True, queue="bulk").defer(clearing_id=clearing.pk)
    if total <= AT_ONCE:
        clear_cases(clearing)
    return clearing


def clear_cases(clearing: Clearing, must_stop: Callable[[], bool] = lambda: False) -> bool:
    """Go on with it; False where it was told to stop before it was done."""
    key = birthday_key()
    while cases := list(_left_of(clearing)):
        for case in cases:
            _clear_case(clearing, case, key)
        clearing.refresh_from_db(fields=["is_stopped"])
        if clearing.is_stopped:
            break
        if must_stop():
            return False
    clearing.finished_at = datetime.now(UTC)
    clearing.save(update_fields=["finished_at"])
    return True


def _left_of(clearing: Clearing) -> QuerySet[DuplicateCase]:
    """The next ones, by id; what opened since is another day's work."""
    return _clear().filter(pk__gt=clearing.after_id, opened_at__lte=clearing.created_at).order_by("pk")[:BATCH]


def _clear_case(clearing: Clearing, case: DuplicateCase, key: str) -> None:
    try:
        with transaction.atomic():
            merged = _merge_case(clearing, case, read_parties(case.contact_ids, birthday=key))
            _note(clearing, case, merged=merged, left=int(not merged))
    except CardfileError:
        _note(clearing, case, left=1)


def _merge_case(clearing: Clearing, case: DuplicateCase, parties: dict[int, Party]) -> int:
    advice = advise_case(case, parties)
    if advice.level != Level.CLEAR or advice.survivor_id is None:
        DuplicateCase.objects.filter(pk=case.pk).update(suggestion=int(advice.level))
        return 0
    seen = {pk: party.contact.updated_at for pk, party in parties.items()}
    merged = 0
    for loser_id in [pk for pk in case.contact_ids if pk in parties and pk != advice.survivor_id]:
        known = seen if not merged else {loser_id: seen[loser_id]}
        both = {pk: known[pk] for pk in (advice.survivor_id, loser_id) if pk in known}
        merge_id = merge_contacts(advice.survivor_id, loser_id, by=clearing.by, seen=both)
        Merge.objects.filter(pk=merge_id).update(clearing_id=clearing.pk)
        merged += 1
    return merged


def _note(clearing: Clearing, case: DuplicateCase, *, merged: int = 0, left: int = 0) -> None:
    clearing.after_id = case.pk
    clearing.done += 1
    clearing.merged += merged
    clearing.left += left
    clearing.save(update_fields=["after_id", "done", "merged", "left"])


def stop_clearing(clearing_id: int) -> None:
    """What is merged stays merged; the rest waits in the inbox."""
    Clearing.objects.filter(pk=clearing_id, finished_at__isnull=True).update(is_stopped=True)


# Taking it back


def take_back_clearing(clearing_id: int, *, by: str) -> None:
    """Undo all its merges, the last first: at once where they are few, else by a job. A second time changes nothing."""
    ended = Q(pk=clearing_id, finished_at__isnull=False, undo_started_at__isnull=True)
    with transaction.atomic():
        if not Clearing.objects.filter(ended).update(undo_by=by, undo_started_at=datetime.now(UTC)):
            return
        is_small = _standing(clearing_id).count() <= AT_ONCE
        if not is_small:
            app.configure_task(TAKE_BACK_JOB, allow_unknown=True, queue="bulk").defer(clearing_id=clearing_id)
    if is_small:
        undo_clearing(Clearing.objects.get(pk=clearing_id))


def _standing(clearing_id: int) -> QuerySet[Merge]:
    return Merge.objects.filter(clearing_id=clearing_id, undone_at__isnull=True)


def undo_clearing(clearing: Clearing, must_stop: Callable[[], bool] = lambda: False) -> bool:
    """Go on taking it back; False where it was told to stop before it was done."""
    before: Any = 2**62
    while ids := list(
        _standing(clearing.pk).filter(pk__lt=before).order_by("-pk").values_list("pk", flat=True)[:BATCH]
    ):
        for merge_id in ids:
            before = merge_id
            _undo_one(clearing, merge_id)
        if must_stop():
            return False
    clearing.undo_finished_at = datetime.now(UTC)
    clearing.save(update_fields=["undo_finished_at"])
    return True


def _undo_one(clearing: Clearing, merge_id: int) -> None:
    try:
        with transaction.atomic():
            undo_merge(merge_id, by=clearing.undo_by)
            Clearing.objects.filter(pk=clearing.pk).update(undone=F("undone") + 1)
    except CardfileError:
        Clearing.objects.filter(pk=clearing.pk).update(kept=F("kept") + 1)
