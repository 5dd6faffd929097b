"""Where a full run of a table stands (pure): kept after each piece, so that a killed one goes on with the next."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from contacts.exports.warehouse.types import Position, TableShape

__all__ = ["Filling", "Made", "made_of"]

Made = dict[str, list[str]]


def made_of(shape: TableShape, *, leaves_out_deleted: bool) -> Made:
    """What a table is made of: its columns' names and types, by key, and what else decides about its rows."""
    made = {column.key: [column.name, column.type] for column in shape.columns}
    return {**made, "": [shape.name, "without deleted" if leaves_out_deleted else "with deleted"]}


@dataclass(frozen=True, slots=True)
class Filling:
    """``run`` names the table that is filled; ``position`` is what our sequences stood at when it began.

    The pieces below ``piece`` are done, up to ``after``. ``end`` is where the one under way ends, None between two.
    ``is_whole``: every piece is written, and the table is being put in its place.
    """

    run: str
    position: Position
    made: Made
    piece: int = 0
    after: int = 0
    end: int | None = field(default=None)
    is_whole: bool = False

    @classmethod
    def begin(cls, position: Position, made: Made) -> Filling:
        return cls(secrets.token_hex(4), position, made)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Filling | None:
        return cls(**kept) if kept else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def reach_for(self, end: int) -> Filling:
        """The piece under way ends there, whatever comes in meanwhile."""
        return replace(self, end=end)

    def piece_done(self) -> Filling:
        if self.end is None:
            return self
        return replace(self, piece=self.piece + 1, after=self.end, end=None)

    def whole(self) -> Filling:
        return replace(self, is_whole=True)

    def at(self, pieces: int) -> Filling | None:
        """Where it stands if the target holds so many pieces; None where the two do not belong together."""
        if pieces == self.piece:
            return self
        is_one_ahead = pieces == self.piece + 1 and self.end is not None
        return self.piece_done() if is_one_ahead else None
