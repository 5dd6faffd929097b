"""Normalised records as bytes that wait in the queue, and back again (pure).

They are tied into sheaves where the call is taken, so that the queue, which every call has to pass, does what it alone
can do. The bytes never leave our own database.
"""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from contacts.records import Record
from contacts.sheaf import Sheaf, Tier

__all__ = ["Packed", "pack_records", "unpack_records"]

FAST: Final = 1
FORMAT: Final = 4
"""Every Python since 3.4 reads it."""


class Packed(NamedTuple):
    """Sheaves, and what the caller looks each record up by, as it was sent, by the record's ``ref``."""

    sheaves: list[Sheaf]
    values: dict[int, str]

    def after(self, done: int) -> Iterator[Sequence[Record]]:
        """What is left when so many records are done, which may be in the middle of a sheaf."""
        for sheaf in self.sheaves:
            if done < len(sheaf):
                yield sheaf[done:] if done else sheaf
            done = max(done - len(sheaf), 0)


def pack_records(records: Sequence[Record], values: Sequence[str], *, key: str, size: int) -> bytes:
    """``key`` is the one that the records are matched by, ``size`` how many go into a transaction."""
    tier = Tier(key)
    sheaves = [tier.tie(records[start : start + size]).message for start in range(0, len(records), size)]
    named = {record.ref: value for record, value in zip(records, values, strict=True)}
    return zlib.compress(marshal.dumps((sheaves, named), FORMAT), FAST)


def unpack_records(packed: bytes) -> Packed:
    sheaves, values = marshal.loads(zlib.decompress(packed))  # noqa: S302 (from our own database)
    return Packed([Sheaf(*message) for message in sheaves], values)
