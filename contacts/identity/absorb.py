"""One contact becomes part of another, in memory (pure): the same steps for a rule and for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contacts.columns import SYSTEM_COLUMNS
from contacts.identity.world import CHANNEL_COLUMNS, MERGED, PRIMARY_COLUMNS, ContactRow, MergeEffect, World
from contacts.keys import Kind

__all__ = ["EMPTY", "FILLABLE_COLUMNS", "LOSER", "SURVIVOR", "absorb"]

FILLABLE_COLUMNS: Final = tuple(
    column.key for column in SYSTEM_COLUMNS if column.write and column.key not in PRIMARY_COLUMNS.values()
)
"""Columns whose blanks a merge fills from the loser."""

SURVIVOR: Final = "survivor"
LOSER: Final = "loser"
EMPTY: Final = "empty"
"""Neither's value; the survivor has none of its own either."""


def absorb(
    world: World, survivor: ContactRow, loser: ContactRow, *, rule: str, choices: Mapping[str, str] | None = None
) -> MergeEffect:
    """Merge ``loser`` into ``survivor``: identifiers move, blanks are filled, the loser becomes a tombstone.

    ``choices`` says by column key what a person picked: ``survivor``, ``loser``, or ``empty`` where the field shall
    have no value; what is not named keeps the survivor's value and fills its blanks. Every moved identifier and filled
    value stands in the returned effect.
    """
    chosen = choices or {}
    effect = MergeEffect(loser.id, survivor.id, rule)
    with world.own_entry(survivor, "merged") as entry:
        entry.details.update({"loser": loser.id, "rule": rule})
        _take_all(world, effect, survivor, loser, chosen)
    # The tombstone.
    tomb = world.entry_of(loser, "merged")
    tomb.details.update({"survivor": survivor.id, "rule": rule})
    world.set_state(loser, MERGED, merged_into_id=survivor.id)
    world.merges.append(effect)
    return effect


def _take_all(
    world: World, effect: MergeEffect, survivor: ContactRow, loser: ContactRow, chosen: Mapping[str, str]
) -> None:
    # Primary values first: they decide which identifier is primary.
    _take_primaries(world, effect, survivor, loser, chosen)
    _take_identifiers(world, effect, survivor, loser)
    _take_fields(world, effect, survivor, loser, chosen)
    # What keeps a contact from being anonymous.
    if loser["made_deliberately"] and not survivor["made_deliberately"]:
        _fill(world, effect, survivor, "made_deliberately", True)
    if loser["order_count"]:
        _fill(world, effect, survivor, "order_count", survivor["order_count"] + loser["order_count"])


def _take_primaries(
    world: World, effect: MergeEffect, survivor: ContactRow, loser: ContactRow, chosen: Mapping[str, str]
) -> None:
    """The external ID, email and phone that the survivor lacks or a person picked, with the state of the channel."""
    for column in PRIMARY_COLUMNS.values():
        if _takes(survivor, loser, column, chosen):
            _fill(world, effect, survivor, column, loser[column])
            if column in CHANNEL_COLUMNS:
                for part in ("", "_at", "_reason"):
                    state_column = CHANNEL_COLUMNS[column] + part
                    _fill(world, effect, survivor, state_column, loser[state_column])


def _take_identifiers(world: World, effect: MergeEffect, survivor: ContactRow, loser: ContactRow) -> None:
    """Every identifier, so that old values keep resolving. The tombstone's own columns stay as they were."""
    kinds = loser["identifier_kinds"]
    for key in sorted(world.keys_held_by(loser)):
        moved = world.move(key, loser, survivor)
        (effect.identifiers if moved else effect.dropped).append(key)
    loser.values["identifier_kinds"] = kinds


def _take_fields(
    world: World, effect: MergeEffect, survivor: ContactRow, loser: ContactRow, chosen: Mapping[str, str]
) -> None:
    for column in FILLABLE_COLUMNS:
        if chosen.get(column) == EMPTY:
            _fill(world, effect, survivor, column, None)
        elif _takes(survivor, loser, column, chosen):
            _fill(world, effect, survivor, column, loser[column])
    own, theirs = survivor["attributes"], loser["attributes"]
    for key in (*theirs, *(key for key in own if key not in theirs)):
        side = chosen.get(f"fields.{key}")
        if side == EMPTY:
            _fill_attribute(world, effect, survivor, key, None)
        elif key in theirs and (key not in own or side == LOSER):
            _fill_attribute(world, effect, survivor, key, theirs[key])


def _takes(survivor: ContactRow, loser: ContactRow, column: str, choices: Mapping[str, str]) -> bool:
    theirs = loser[column]
    if theirs is None:
        return False
    return survivor[column] is None or (choices.get(column) == LOSER and survivor[column] != theirs)


def _fill(world: World, effect: MergeEffect, survivor: ContactRow, column: str, value: Any) -> None:
    before = survivor[column]
    if world.set_value(survivor, column, value):
        effect.filled[column] = [before, value]


def _fill_attribute(world: World, effect: MergeEffect, survivor: ContactRow, key: str, value: Any) -> None:
    before = survivor["attributes"].get(key)
    if world.set_attribute(survivor, key, value):
        effect.filled[f"fields.{key}"] = [before, value]


def primary_of(held: set[tuple[int, str, str]], kind: Kind) -> str | None:
    """The value that becomes primary when the old one went: the least of the further ones, always the same."""
    return min((key[2] for key in held if key[0] == kind), default=None)
