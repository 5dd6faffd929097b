"""What goes at night goes piece by piece: each piece says what went and what stayed, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection, transaction

from crm.errors import CardfileError

__all__ = ["BUSY", "Note", "Piece", "Stopped", "days_before", "note_nowhere", "short_transaction"]

BUSY: Final = "busy"
"""Why something stays: somebody held on to it all the time."""
PATIENCE: Final = "300ms"


@dataclass(frozen=True, slots=True)
class Piece:
    """``gone`` is what went, by table; ``left`` what stayed, by reason. Months are names such as ``2024-03``."""

    gone: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    months: Sequence[str] = ()
    months_left: Sequence[str] = ()


Note = Callable[[Piece], None]
"""Takes down a piece, within its transaction."""


def note_nowhere(piece: Piece) -> None:
    """For those who keep no report."""


class Stopped(CardfileError):
    """The time is over."""

    code = "stopped"


def days_before(moment: datetime, days: int) -> datetime:
    """As far back as there are dates."""
    try:
        return moment - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


@contextmanager
def short_transaction(patience: str = PATIENCE) -> Iterator[None]:
    """A transaction that waits for no lock longer than that: whoever waits for what it holds waits behind it.

    Then ``LockNotAvailable`` is raised. Inside another transaction, what held before holds again after.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)", [patience])
        (before, _) = cursor.fetchone()
        yield
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
