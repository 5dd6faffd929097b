"""Carrying a work out: through all contacts that have a value, in batches that commit together with their mark.

Whatever stops it, it goes on after the last batch. A change of type is checked first, as a whole; should a value come
to light afterwards that cannot be read, all that was converted is taken back, as the journal knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.fields.conversion import Converter, converter_to, replacer_of
from contacts.fields.references import column_with
from contacts.fields.survey import Trouble, show_value, walk_values
from contacts.fields.works import OPEN
from contacts.identity.field_values import (
    BATCH,
    KEY_BATCH,
    Held,
    add_keys,
    read_changed,
    read_keys,
    rewrite_values,
    take_off_keys,
    wait_for_writers,
)
from contacts.identity.settings import read_settings
from contacts.models import CustomField, FieldWork, WorkKind, WorkStatus, read_account_zone
from contacts.normalize import InvalidValue

__all__ = ["carry_out", "give_up"]

TROUBLES_KEPT: Final = 100
MOST_TURNS: Final = 3
"""Whoever wrote by the old definition while the first turn was under way is met in the second."""

MayGoOn = Callable[[], bool]


class Unreadable(Exception):
    """A value cannot become one of the new type."""

    def __init__(self, held: Held, message: str) -> None:
        super().__init__(message)
        self.held, self.message = held, message


def carry_out(work: FieldWork, *, may_go_on: MayGoOn = lambda: True) -> bool:
    """Do what is left of a work; False where it was told to stop between two batches."""
    while work.status in OPEN:
        step = STEPS[WorkKind(work.kind)]
        if not step(work, may_go_on):
            return False
    return True


def give_up(work: FieldWork, message: str) -> None:
    """Something went wrong. What a change of type converted is taken back; the rest stays as far as it came."""
    work.refresh_from_db()
    if work.status not in OPEN:
        return
    if work.kind == WorkKind.CONVERT and work.status == WorkStatus.WORKING:
        _return_from(work, message)
    else:
        _end(work, WorkStatus.FAILED, error=message)


# Another type


def _convert(work: FieldWork, may_go_on: MayGoOn) -> bool:
    match work.status:
        case WorkStatus.WAITING:
            _move(work, status=WorkStatus.CHECKING)
        case WorkStatus.CHECKING:
            return _check(work, may_go_on)
        case WorkStatus.WORKING:
            try:
                return _take_turn(work, may_go_on, _converting(work))
            except Unreadable as error:
                _note_trouble(work, [Trouble(error.held.contact_id, show_value(error.held.value), error.message)], 1)
                _return_from(work, _("A value that cannot be read came in meanwhile. Everything was put back."))
        case _:
            return _take_back(work, may_go_on)
    return True


def _check(work: FieldWork, may_go_on: MayGoOn) -> bool:
    convert = _converter_of(work)
    for page in walk_values(work.field_key, after=work.mark):
        found = [trouble for held in page if (trouble := _trouble_of(held, convert)) is not None]
        _note_trouble(work, found, len(found))
        _move(work, mark=page[-1].contact_id, looked_at=work.looked_at + len(page))
        if not may_go_on():
            return False
    if work.trouble_count:
        _end(work, WorkStatus.REFUSED)
    else:
        _switch(work, work.wish)
        _move(work, status=WorkStatus.WORKING, mark=0, looked_at=0)
    return True


def _converter_of(work: FieldWork) -> Converter:
    field = CustomField(key=work.field_key, label=work.label)
    column = column_with(field, type=work.wish["type"], options=work.wish["options"])
    return converter_to(column, zone=read_account_zone())


def _trouble_of(held: Held, convert: Converter) -> Trouble | None:
    try:
        convert(held.value)
    except InvalidValue as error:
        return Trouble(held.contact_id, show_value(held.value), error.message)
    return None


def _converting(work: FieldWork) -> Callable[[int, Any], Any]:
    convert = _converter_of(work)

    def change(contact_id: int, value: Any) -> Any:
        try:
            return convert(value)
        except InvalidValue as error:
            raise Unreadable(Held(contact_id, value), error.message) from error

    return change


def _return_from(work: FieldWork, message: str) -> None:
    _switch(work, work.before)
    _move(work, status=WorkStatus.RETURNING, mark=0, error=message)


def _take_back(work: FieldWork, may_go_on: MayGoOn) -> bool:
    """Each value that still is what the work made of it is what it was."""

    def write(page: Sequence[Held]) -> int:
        ids = [held.contact_id for held in page]
        known = read_changed(work.field_key, ids, work=work.pk)

        def change(contact_id: int, value: Any) -> Any:
            before, after = known[contact_id]
            return before if value == after else value

        return rewrite_values(work.field_key, list(known), change, work=-work.pk, by=work.by)

    if not _go_through(work, may_go_on, write):
        return False
    _end(work, WorkStatus.FAILED, error=work.error)
    return True


def _switch(work: FieldWork, definition: dict[str, Any]) -> None:
    """From now on everybody writes by this definition, and nobody does by the one before."""
    field = CustomField.objects.filter(key=work.field_key).first()
    if field is not None:
        field.type, field.options = definition["type"], definition["options"]
        field.save(update_fields=["type", "options"])
    wait_for_writers()


# Options, keys, gone


def _replace(work: FieldWork, may_go_on: MayGoOn) -> bool:
    if work.status == WorkStatus.WAITING:
        wait_for_writers()
        _move(work, status=WorkStatus.WORKING)
    replace = replacer_of(work.wish["replaced"])
    return _take_turn(work, may_go_on, lambda _contact, value: replace(value))


def _make_keys(work: FieldWork, may_go_on: MayGoOn) -> bool:
    if work.status == WorkStatus.WAITING:
        _move(work, status=WorkStatus.WORKING)
    schema = read_settings().schema

    def write(page: Sequence[Held]) -> int:
        return add_keys(work.field_key, [held.contact_id for held in page], schema, by=work.by)

    if not _go_through(work, may_go_on, write, size=KEY_BATCH):
        return False
    if work.turn > 1:
        _end(work, WorkStatus.DONE)
        return True
    field = CustomField.objects.filter(key=work.field_key).first()
    if field is not None:
        field.can_be_key = True
        field.save(update_fields=["can_be_key"])
    wait_for_writers()
    _move(work, turn=2, mark=0)
    return True


def _drop_keys(work: FieldWork, may_go_on: MayGoOn) -> bool:
    if not _take_off(work, may_go_on):
        return False
    _end(work, WorkStatus.DONE)
    return True


def _remove(work: FieldWork, may_go_on: MayGoOn) -> bool:
    if work.status == WorkStatus.WAITING and not _take_off(work, may_go_on):
        return False
    _move(work, status=WorkStatus.WORKING)
    return _take_turn(work, may_go_on, lambda _contact, _value: None)


def _take_off(work: FieldWork, may_go_on: MayGoOn) -> bool:
    """All identifiers of the field. Those that went are gone, so that it begins at the first one that is left."""
    wait_for_writers()
    after = ("", 0)
    while page := read_keys(work.field_key, after=after):
        taken = take_off_keys(work.field_key, list(dict.fromkeys(row[2] for row in page)), by=work.by)
        _move(work, looked_at=work.looked_at + len(page), changed=work.changed + taken)
        after = page[-1][0], page[-1][1]
        if not may_go_on():
            return False
    return True


STEPS: Final = {
    WorkKind.CONVERT: _convert,
    WorkKind.OPTIONS: _replace,
    WorkKind.KEY: _make_keys,
    WorkKind.PLAIN: _drop_keys,
    WorkKind.REMOVE: _remove,
}


# Going through the contacts


def _take_turn(work: FieldWork, may_go_on: MayGoOn, change: Callable[[int, Any], Any]) -> bool:
    """All values once; and once more, until nothing was left to write."""
    written = work.changed

    def write(page: Sequence[Held]) -> int:
        ids = [held.contact_id for held in page if change(held.contact_id, held.value) != held.value]
        return rewrite_values(work.field_key, ids, change, work=work.pk, by=work.by) if ids else 0

    if not _go_through(work, may_go_on, write):
        return False
    if work.changed > written and work.turn < MOST_TURNS:
        _move(work, turn=work.turn + 1, mark=0)
    else:
        _end(work, WorkStatus.DONE)
    return True


def _go_through(
    work: FieldWork, may_go_on: MayGoOn, write: Callable[[Sequence[Held]], int], *, size: int = BATCH
) -> bool:
    for page in walk_values(work.field_key, after=work.mark):
        for start in range(0, len(page), size):
            batch = page[start : start + size]
            with transaction.atomic():
                written = write(batch)
                counted = work.looked_at + len(batch) if work.turn == 1 else work.looked_at
                _move(work, mark=batch[-1].contact_id, looked_at=counted, changed=work.changed + written)
        if not may_go_on():
            return False
    return True


def _move(work: FieldWork, **changed: Any) -> None:
    for name, value in changed.items():
        setattr(work, name, value)
    work.save(update_fields=list(changed))


def _note_trouble(work: FieldWork, found: Sequence[Trouble], count: int) -> None:
    """Beside those that are there at this moment: somebody may have been erased meanwhile."""
    if found:
        rows = [{"contact": one.contact, "value": one.value, "message": one.message} for one in found]
        with transaction.atomic():
            there = FieldWork.objects.select_for_update().get(pk=work.pk).troubles
            _move(work, troubles=[*there, *rows][:TROUBLES_KEPT], trouble_count=work.trouble_count + count)


def _end(work: FieldWork, status: WorkStatus, *, error: str = "") -> None:
    _move(work, status=status, error=error, finished_at=datetime.now(UTC))
