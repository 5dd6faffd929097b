"""Asking within a time limit: nobody waits for ever, and nothing goes on unseen over millions of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from segments.errors import AskingTookTooLong

__all__ = ["stopped_after"]


@contextmanager
def stopped_after(milliseconds: int, error: type[AskingTookTooLong] = AskingTookTooLong) -> Iterator[None]:
    """Statements of this thread's connection are stopped after so long, and ``error`` is raised.

    It is for reading. What held before holds again after; an error rolls the setting back with the savepoint.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            yield
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as stopped:
        if isinstance(stopped.__cause__, QueryCanceled):
            raise error from stopped
        raise
