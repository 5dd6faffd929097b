"""Reading within a time limit: nobody waits for ever, and nothing goes on unseen over millions of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from crm.errors import CardfileError

__all__ = ["stopped_after"]


@contextmanager
def stopped_after(milliseconds: int, error: type[CardfileError]) -> Iterator[None]:
    """Statements of this thread's connection are stopped after so long, and ``error`` is raised.

    It is for reading. The transaction is there because PostgreSQL forgets a local setting at its end, however that
    comes; inside another one, what held before holds again after.
    """
    is_inside = connection.in_atomic_block
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)",
                [str(milliseconds)],
            )
            (before, _) = cursor.fetchone()
            yield
            if is_inside:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as stopped:
        if isinstance(stopped.__cause__, QueryCanceled):
            raise error from stopped
        raise
