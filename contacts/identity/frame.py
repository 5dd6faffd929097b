"""The frame in which a verb changes contacts that it names: values locked, rows loaded, effects written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import psycopg
from django.db import DatabaseError, transaction
from psycopg import errors as pg_errors

from contacts.identity import load
from contacts.identity.errors import WriteConflict
from contacts.identity.world import World
from contacts.identity.write import Cause, send_signals, write_world
from contacts.keys import SHARED_KINDS
from contacts.records import Key

__all__ = ["MAX_TRIES", "RETRIED", "Frame", "database_cause", "open_frame", "retried"]

MAX_TRIES: Final = 3
RETRIED: Final = (
    pg_errors.UniqueViolation,
    pg_errors.DeadlockDetected,
    pg_errors.SerializationFailure,
    pg_errors.LockNotAvailable,
    WriteConflict,
)
"""Trouble that fresh rows may cure (race 4)."""

T = TypeVar("T")


@dataclass
class Frame:
    """An open transaction with the named contacts locked and loaded; ``merge_ids`` by loser once it is written."""

    cursor: psycopg.Cursor[Any]
    world: World
    cause: Cause
    moment: datetime
    merge_ids: dict[int, int] = field(default_factory=dict)


@contextmanager
def open_frame(
    ids: Collection[int], *, by: str, at: datetime | None = None, values: Collection[Key] = ()
) -> Iterator[Frame]:
    """Lock and load contacts by id, with the survivors of those that were merged; write the world at the end.

    The values of a contact are known only once it is read, and may change until they are locked: read, lock, read
    again; where more turned up, every lock is let go and all are taken in their order (race 2). The last time every
    value there is is locked, and nothing can move any more. ``values`` are locked beside those that the contacts hold.
    """
    moment = at or datetime.now(UTC)
    with transaction.atomic():
        cursor = load.open_cursor()
        world = World(moment=moment, new_ids=iter(()))
        keys = _load(cursor, world, ids, lock=False) | set(values)
        for left in reversed(range(MAX_TRIES)):
            before_locks = transaction.savepoint()
            load.lock_values(cursor, keys, everything=not left)
            with_survivors = {*ids, *world.rows}
            world = World(moment=moment, new_ids=iter(()))
            held = _load(cursor, world, with_survivors, lock=True)
            if held <= keys or not left:
                break
            transaction.savepoint_rollback(before_locks)
            keys |= held
        keys |= held
        load.find(cursor, world, keys)
        sharing = {owner for key in keys if key[0] in SHARED_KINDS for owner in world.owners_of(key)}
        load.load_rows(cursor, world, sharing, lock=False)
        frame = Frame(cursor, world, Cause(by, ""), moment)
        yield frame
        frame.merge_ids = write_world(cursor, world, frame.cause, together=False)
        send_signals(world)
        cursor.close()


def _load(cursor: psycopg.Cursor[Any], world: World, ids: Collection[int], *, lock: bool) -> set[Key]:
    """Rows and identifiers into ``world``; gives all values that these contacts hold."""
    load.load_rows(cursor, world, ids, lock=lock)
    load.load_held(cursor, world, list(world.rows))
    return {key for held in world.held.values() for key in held}


def retried(verb: Callable[[], T]) -> T:
    """Call ``verb`` again when others were in its way, at most three times; then it is a ``WriteConflict``."""
    for left in reversed(range(MAX_TRIES)):
        try:
            return verb()
        except (DatabaseError, WriteConflict, psycopg.Error) as error:
            if not isinstance(database_cause(error), RETRIED):
                raise
            if not left:
                raise WriteConflict from error
    raise AssertionError


def database_cause(error: BaseException) -> BaseException:
    """The database's own error behind one of Django's."""
    if isinstance(error, DatabaseError) and error.__cause__ is not None:
        return error.__cause__
    return error
