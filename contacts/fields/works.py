"""Asking for a work on the values of a custom field: each verb looks whether it may be, notes it, and queues it.

One at a time for a field. The definition itself changes where the work comes to it; options and keys that are taken
back change at once, since nothing may be written by the old ones any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from contacts import populations
from contacts.columns import CUSTOM_PREFIX
from contacts.fields.conversion import KEY_TYPES
from contacts.fields.errors import FieldBusy, FieldInUse, FieldIsKey, FieldUnfit
from contacts.fields.references import Reference, broken_groups, column_with, find_references
from contacts.models import CustomField, FieldType, FieldWork, Policy, WorkKind, WorkStatus
from crm.jobs import app

__all__ = [
    "JOB",
    "OPEN",
    "change_options",
    "change_type",
    "find_open_work",
    "make_key",
    "make_plain",
    "remove_field",
    "reserved_keys",
]

JOB: Final = "contacts.fields.work"
OPEN: Final = (WorkStatus.WAITING, WorkStatus.CHECKING, WorkStatus.WORKING, WorkStatus.RETURNING)
CHOICE_TYPES: Final = frozenset({FieldType.CHOICE, FieldType.CHOICES})


def change_type(field: CustomField, *, type: str, options: Sequence[str] = (), by: str) -> FieldWork:  # noqa: A002
    """Make the field one of another type, if all its values can be read as such.

    Raises ``FieldBusy``, ``FieldIsKey``, ``FieldUnfit`` (the same type, or options that are missing), ``FieldInUse``.
    """
    wish: dict[str, Any] = {"type": str(FieldType(type)), "options": list(options) if type in CHOICE_TYPES else []}
    with transaction.atomic():
        held = _lock(field)
        if held.can_be_key:
            raise FieldIsKey
        if held.type == wish["type"]:
            raise FieldUnfit(_("The field has this type already. Choose another one."), path="type")
        if type in CHOICE_TYPES and not wish["options"]:
            raise FieldUnfit(_("Write at least one option."), path="options")
        if type != FieldType.DATE and Policy.objects.filter(birthday_field=held).exists():
            raise FieldInUse(_("This field is the birthday in the identity policy. Choose another one there first."))
        _check_groups(broken_groups(held, column_with(held, **wish)))
        return _begin(held, WorkKind.CONVERT, wish, by=by)


def change_options(
    field: CustomField,
    options: Sequence[str],
    *,
    renamed: Mapping[str, str] | None = None,
    emptied: Iterable[str] = (),
    by: str,
) -> FieldWork | None:
    """Give the field these options; values follow where an option is ``renamed``, and go where it is ``emptied``.

    An option that is merely left out stays with whoever has it. None where no value has to change. Segments that name
    a renamed option name the new one. Raises ``FieldBusy``, ``FieldIsKey``, ``FieldUnfit``, ``FieldInUse``.
    """
    renames = {old: new for old, new in (renamed or {}).items() if old != new}
    gone = [option for option in emptied if option not in renames]
    with transaction.atomic():
        held = _lock(field)
        if held.type not in CHOICE_TYPES or not options:
            raise FieldUnfit(_("Write at least one option."), path="options")
        if held.can_be_key and (renames or gone):
            raise FieldIsKey
        _check_groups(broken_groups(held, column_with(held, type=held.type, options=options), renamed=renames))
        before, held.options = held.options, list(options)
        held.save(update_fields=["options"])
        if renames:
            populations.current().rename_values(CUSTOM_PREFIX + held.key, renames)
        if not (renames or gone):
            return None
        return _begin(held, WorkKind.OPTIONS, {"replaced": {**renames, **dict.fromkeys(gone)}}, by=by, options=before)


def make_key(field: CustomField, *, by: str) -> FieldWork:
    """Let contacts be matched by the field: first its values become identifiers.

    Raises ``FieldBusy``, ``FieldUnfit``.
    """
    with transaction.atomic():
        held = _lock(field)
        if held.can_be_key or held.type not in KEY_TYPES:
            raise FieldUnfit(_("Only a text, a number or one of several options can be a key."))
        return _begin(held, WorkKind.KEY, {}, by=by)


def make_plain(field: CustomField, *, by: str) -> FieldWork:
    """Let nobody be matched by the field any more; the values stay. Raises ``FieldBusy``, ``FieldUnfit``."""
    with transaction.atomic():
        held = _lock(field)
        if not held.can_be_key:
            raise FieldUnfit(_("Nobody is matched by this field."))
        held.can_be_key = False
        held.save(update_fields=["can_be_key"])
        return _begin(held, WorkKind.PLAIN, {}, by=by)


def remove_field(field: CustomField, *, by: str) -> FieldWork:
    """Delete the field; its values go in the background.

    Raises ``FieldBusy``, and ``FieldInUse`` with its ``references``.
    """
    with transaction.atomic():
        held = _lock(field)
        references = find_references(held.key)
        if references:
            raise FieldInUse(_say_used(references), references=references)
        work = _begin(held, WorkKind.REMOVE, {}, by=by)
        held.delete()
        return work


def find_open_work(key: str) -> FieldWork | None:
    """What is under way with the values of this field."""
    return FieldWork.objects.filter(field_key=key, status__in=OPEN).first()


def reserved_keys() -> set[str]:
    """Keys of deleted fields whose values are not all gone yet: a new field would inherit the rest of them."""
    removing = FieldWork.objects.filter(kind=WorkKind.REMOVE, status__in=OPEN)
    return set(removing.values_list("field_key", flat=True))


def _lock(field: CustomField) -> CustomField:
    """The field as it is; two works are not asked for at once. Raises ``FieldBusy``, ``FieldUnfit`` (it is gone)."""
    held = CustomField.objects.select_for_update().filter(pk=field.pk).first()
    if held is None:
        raise FieldUnfit(_("This field was deleted meanwhile."))
    if find_open_work(held.key) is not None:
        raise FieldBusy
    return held


def _check_groups(groups: Sequence[populations.Population]) -> None:
    if groups:
        references = [Reference("segment", group.id, group.name) for group in groups]
        raise FieldInUse(_say_used(references), references=references)


def _say_used(references: Sequence[Reference]) -> str:
    names = ", ".join(f"“{reference.name}”" for reference in references)
    return _("It is used by {names}. Change that first.").format(names=names)


def _begin(field: CustomField, kind: WorkKind, wish: Mapping[str, Any], *, by: str, options: Any = None) -> FieldWork:
    before = {"type": field.type, "options": field.options if options is None else options}
    work = FieldWork.objects.create(
        field_key=field.key, label=field.label, kind=kind, wish=dict(wish), before=before, by=by
    )
    app.configure_task(JOB, allow_unknown=True, queue="fields", lock=f"{JOB}:{work.pk}").defer(work_id=work.pk)
    return work
