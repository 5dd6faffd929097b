"""The verb: an import is taken back, from its end to its beginning, in batches that each commit with their own mark.

1. Orders that it made or changed, the last first. 2. Segments and consents that it gave or took, contact by contact.
3. Its part of the journal, the last change first (see ``contacts.identity.undo``). A batch that was committed is not
done again: a killed undo goes on exactly there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection, transaction

from contacts import populations
from contacts.identity.frame import retried
from contacts.identity.stream import tuned_interpreter
from contacts.identity.undo import Because, Extent, Kept, TakenBack, find_extent, take_back_slice
from contacts.imports.errors import ImportRunning
from contacts.imports.orders.undo import COUNTED as ORDERS_COUNTED
from contacts.imports.orders.undo import take_back_order_slice
from contacts.models import EffectKind, Import, ImportContent, ImportEffect, ImportStatus, UndoKept

__all__ = ["COUNTED", "undo_import"]

COUNTED: Final = ("created", "updated", "restored", "deleted", "merged", "groups", "consents", "kept")
"""What is counted, by what the import had done: contacts it created (gone now), updated, restored (deleted again) and
deleted (restored), merges, places in groups, consents; and the contacts of which something was kept."""
PAGE: Final = 1_000
"""Contacts a transaction, beside the journal."""

Tell = Callable[[Import], None]

_READ_CONSENTS: Final = """
SELECT contact_id, granted, basis, at, by FROM contacts_consent WHERE contact_id = ANY(%s) AND category = %s FOR UPDATE
"""
_PUT_CONSENTS: Final = """
UPDATE contacts_consent c SET granted = u.granted, basis = u.basis, at = u.at, by = u.by
FROM json_to_recordset(%s::json) AS u (contact_id bigint, granted boolean, basis text, at timestamptz, by text)
WHERE c.contact_id = u.contact_id AND c.category = %s
"""
_MOVE_ON: Final = """
UPDATE contacts_import SET undo_done = undo_done + %s, undo_mark = %s, undo_counts = %s::jsonb
WHERE id = %s AND undo_done = %s AND undo_mark IS NOT DISTINCT FROM %s
"""


def undo_import(run: Import, *, by: str, tell: Tell | None = None) -> None:
    """Take back what an import did; what somebody changed since stays, and is listed in ``run.kept``.

    ``by`` is who wants it, as ``kind:id``. ``tell`` is called after each batch with the import as it stands. May be
    called again after whatever stopped it. Raises ImportRunning when another undo of it is under way.
    """
    extent = find_extent(run.pk)
    _begin(run, extent)
    with tuned_interpreter():
        for _ in _take_back(run, extent, by=by):
            run.refresh_from_db()
            if tell is not None:
                tell(run)
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.UNDONE, finished_at=datetime.now(UTC))
    run.refresh_from_db()


def _begin(run: Import, extent: Extent) -> None:
    """Where it was begun already, it goes on: what is done is counted."""
    run.refresh_from_db()
    if run.undo_total is None:
        beside = ImportEffect.objects.filter(import_run_id=run.pk).count() + run.orders.count()
        Import.objects.filter(pk=run.pk).update(
            undo_total=extent.total + beside, undo_counts=dict.fromkeys(_counted(run), 0), status=ImportStatus.UNDOING
        )
    else:
        Import.objects.filter(pk=run.pk).update(status=ImportStatus.UNDOING)
    run.refresh_from_db()


def _take_back(run: Import, extent: Extent, *, by: str) -> Iterator[None]:
    """Yields after every batch."""
    while _take_back_orders(run):
        yield
    yield from _take_back_effects(run)
    while _take_back_slice(run, extent, by=by):
        yield
    yield from _take_back_effects(run, is_last=True)


# 1. Beside contacts and journal


def _take_back_orders(run: Import) -> bool:
    """A slice of its orders; False where none is left."""

    def take_back() -> bool:
        with transaction.atomic():
            done = take_back_order_slice(run.pk)
            if done is None:
                return False
            done.counts["kept"] += _keep(run, done.kept)
            _move_on(run, done.writes, run.undo_mark, done.counts)
        return True

    return retried(take_back)


def _take_back_effects(run: Import, *, is_last: bool = False) -> Iterator[None]:
    """Contact by contact. A place in a group that a merge keeps taken waits until that is undone, but not for ever."""
    last = _take_back_page(run, 0, is_last=is_last)
    while last is not None:
        yield
        last = _take_back_page(run, last, is_last=is_last)


def _take_back_page(run: Import, after: int, *, is_last: bool) -> int | None:
    """The next contacts; gives the last of them, None where there are no more."""
    with transaction.atomic():
        rest = ImportEffect.objects.filter(import_run_id=run.pk, contact_id__gt=after).order_by("contact_id", "pk")
        effects = list(rest[: 4 * PAGE])
        if not effects:
            return None
        last = effects[-1].contact_id
        effects += rest.filter(contact_id=last, pk__gt=effects[-1].pk)
        counts: Counter[str] = Counter()
        kept: list[int] = []
        counts["groups"], waiting = _take_back_memberships(run, effects)
        for category in {effect.category for effect in effects if effect.kind == EffectKind.CONSENT}:
            given = [effect for effect in effects if effect.kind == EffectKind.CONSENT and effect.category == category]
            done, others = _take_back_consents(category, given)
            counts["consents"] += done
            kept += others
        done_with = [effect.pk for effect in effects if is_last or effect.pk not in waiting]
        ImportEffect.objects.filter(pk__in=done_with).delete()
        counts["kept"] += _keep(run, [Kept(pk, ("consent",), Because.CHANGED) for pk in kept])
        _move_on(run, len(done_with), run.undo_mark, counts)
    return last


def _take_back_memberships(run: Import, effects: Sequence[ImportEffect]) -> tuple[int, set[int]]:
    """Whom the import put in goes out, unless somebody else put it in since; whom it took out comes back, the last
    first. How many did, and the effects of those who could not."""
    keeper, by, done = populations.current(), f"import:{run.pk}", 0
    waiting: set[int] = set()
    for population in {effect.population for effect in effects if effect.population is not None}:
        joined, left = (
            [effect for effect in effects if effect.population == population and effect.kind == kind]
            for kind in (EffectKind.JOINED, EffectKind.LEFT)
        )
        if joined:
            done += len(keeper.take_back(population, [effect.contact_id for effect in joined], by=by))
        latest = {effect.contact_id: effect for effect in left}
        if latest:
            back = keeper.put_back(population, [effect.before for effect in latest.values() if effect.before])
            done += len(back)
            placed = {latest[contact_id].pk for contact_id in back if contact_id in latest}
            waiting.update(effect.pk for effect in left if effect.pk not in placed)
    return done, waiting


def _take_back_consents(category: str, effects: Sequence[ImportEffect]) -> tuple[int, list[int]]:
    """Consents as they were, where they still are as the import left them; how many, and who has another by now."""
    first: dict[int, dict[str, Any] | None] = {}
    last: dict[int, dict[str, Any] | None] = {}
    for effect in effects:
        first.setdefault(effect.contact_id, effect.before)
        last[effect.contact_id] = effect.after
    with connection.cursor() as cursor:
        cursor.execute(_READ_CONSENTS, [list(last), category])
        found = {
            row[0]: {"granted": row[1], "basis": row[2], "at": row[3].isoformat(), "by": row[4]}
            for row in cursor.fetchall()
        }
        as_left = [contact_id for contact_id, after in last.items() if found.get(contact_id) == after]
        new = [contact_id for contact_id in as_left if first[contact_id] is None]
        cursor.execute("DELETE FROM contacts_consent WHERE contact_id = ANY(%s) AND category = %s", [new, category])
        changed = [{"contact_id": pk, **before} for pk in as_left if (before := first[pk]) is not None]
        cursor.execute(_PUT_CONSENTS, [json.dumps(changed), category])
    return len(as_left), [contact_id for contact_id in found if contact_id not in as_left]


# 2. How far it is, and what it kept


def _take_back_slice(run: Import, extent: Extent, *, by: str) -> bool:
    """A slice of the journal; False where none is left."""

    def note(taken: TakenBack) -> None:
        taken.counts["kept"] += _keep(run, taken.kept)
        _move_on(run, taken.changes, taken.mark, taken.counts)

    return take_back_slice(run.pk, extent, mark=run.undo_mark, by=by, within=note) is not None


def _move_on(run: Import, done: int, mark: int | None, counts: Counter[str]) -> None:
    """If another process moved on meanwhile, this transaction must not do it again."""
    total = Counter(run.undo_counts or {})
    total.update(counts)
    values = json.dumps({name: total[name] for name in _counted(run)})
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ON, [done, mark, values, run.pk, run.undo_done, run.undo_mark])
        if not cursor.rowcount:
            raise ImportRunning


def _counted(run: Import) -> Sequence[str]:
    return (*ORDERS_COUNTED, *COUNTED) if run.content == ImportContent.ORDERS else COUNTED


def _keep(run: Import, kept: Collection[Kept]) -> int:
    """Add to what is listed as kept, one row a contact and reason; how many contacts are new in the list."""
    if not kept:
        return 0
    listed = UndoKept.objects.filter(import_run_id=run.pk, contact_id__in={one.contact_id for one in kept})
    before = {(row.contact_id, row.reason): row for row in listed}
    known = {contact_id for contact_id, _ in before}
    new, longer = [], []
    for one in kept:
        row = before.get((one.contact_id, one.because.value))
        if row is None:
            new.append(
                UndoKept(
                    import_run_id=run.pk,
                    contact_id=one.contact_id,
                    columns=list(one.columns),
                    reason=one.because.value,
                )
            )
        elif not set(one.columns) <= set(row.columns):
            row.columns = sorted({*row.columns, *one.columns})
            longer.append(row)
    UndoKept.objects.bulk_create(new)
    UndoKept.objects.bulk_update(longer, ["columns"])
    return len({one.contact_id for one in kept} - known)
