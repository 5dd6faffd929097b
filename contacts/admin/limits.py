"""Reading within a time limit, so that nobody waits for a page, and nothing goes on unseen over millions of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from crm.errors import CardfileError

__all__ = ["TookTooLong", "stopped_after"]


class TookTooLong(CardfileError):
    """This takes too long over so many contacts. Narrow the search or the filters."""

    code = "took_too_long"


@contextmanager
def stopped_after(milliseconds: int) -> Iterator[None]:
    """Statements inside are stopped after so long and ``TookTooLong`` is raised.

    It reads only. The transaction is there because PostgreSQL forgets a local setting at its end, however that comes.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)",
                [str(milliseconds)],
            )
            (before, _) = cursor.fetchone()
            yield
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong from error
        raise
