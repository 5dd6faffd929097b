"""Several at work at once, each on a connection of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection, connections


class Other:
    """Somebody else who does something meanwhile."""

    def __init__(self, work: Callable[[], Any]) -> None:
        pool = ThreadPoolExecutor(1)
        self.future = pool.submit(on_own_connection, work)
        pool.shutdown(wait=False)

    def finish(self) -> Any:
        return self.future.result(timeout=30)


def on_own_connection(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connections.close_all()


def all_at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each gives; whatever one raises is raised here."""
    listed = list(works)
    with ThreadPoolExecutor(len(listed)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(on_own_connection, work) for work in listed]]


def wait_until_waiting(count: int = 1) -> None:
    """Until so many wait for a lock."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            # A transaction keeps the list of who is connected as it saw it first, and the other may come after that.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0] >= count:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")
