"""What the caller of a bulk call chose → how ``contacts.identity`` is to resolve it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from django.db import IntegrityError, transaction

from contacts import populations
from contacts.bulk.errors import SegmentNameRefused
from contacts.identity import Mode, Plan
from contacts.identity.types import API_BULK
from contacts.normalize import is_encodable

__all__ = ["BulkOptions", "settle_segments"]

LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """The choices of one call.

    ``key``: see ``contacts.keys.KEYS``, or the key of a custom field. ``empty_values_clear``: present and empty clears
    (T10). ``restore_deleted``: L2. ``replace_external_id``: L6a. ``add_to_segments``, ``remove_from_segments``: ids of
    static ones, for everybody whom a record found or made. ``event_for_new``: the key of an event type, recorded on
    whoever is created.
    """

    key: str
    mode: Mode = Mode.UPSERT
    empty_values_clear: bool = False
    restore_deleted: bool = False
    replace_external_id: bool = False
    add_to_segments: tuple[int, ...] = ()
    remove_from_segments: tuple[int, ...] = ()
    event_for_new: str = ""

    def plan(self) -> Plan:
        return replace(
            API_BULK,
            key=self.key,
            mode=self.mode,
            empty_values_clear=self.empty_values_clear,
            restore_deleted=self.restore_deleted,
            replace_external_id=self.replace_external_id,
        )

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "mode": self.mode.value}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> BulkOptions:
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()
        }
        given["mode"] = Mode(kept["mode"])
        return cls(**given)


def settle_segments(names: Iterable[str], *, make: bool, by: str) -> tuple[int, ...]:
    """The ids of the static segments of these names; what is missing is made, or where it is not, left out.

    Raises ``SegmentNameRefused``, and what the keeper of segments refuses (a dynamic one).
    """
    wanted = dict.fromkeys(name.strip() for name in names if name.strip())
    for name in wanted:
        if len(name) > LONGEST_NAME or "\0" in name or not is_encodable(name):
            raise SegmentNameRefused
    found = (_settle(name, make=make, by=by) for name in wanted)
    return tuple(dict.fromkeys(number for number in found if number is not None))


def _settle(name: str, *, make: bool, by: str) -> int | None:
    number = _find(name)
    if number is not None:
        return number
    keeper = populations.current()
    if not make:
        keeper.remove(name, [], by=by)  # refuses a dynamic one
        return None
    try:
        with transaction.atomic():
            keeper.add(name, [], by=by)
    except IntegrityError:  # somebody else made it at the same moment
        pass
    return _find(name)


def _find(name: str) -> int | None:
    listed = populations.current().listed()
    exact = (number for number, known in listed if known == name)
    folded = (number for number, known in listed if known.lower() == name.lower())
    return next(exact, next(folded, None))
