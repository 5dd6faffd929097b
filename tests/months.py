"""Which months of events a question really looks into, by the database's own account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

EVENTS = "contacts_event"


def months_touched(ask: Callable[[], Any]) -> set[str]:
    """The months, such as ``2026_05``, whose tables are read for what ``ask`` asks; ``default`` is the one behind."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    questions = [one["sql"] for one in asked.captured_queries if EVENTS in one["sql"]]
    assert questions, "nothing was asked about events"
    return {month for sql in questions for month in _read_plan(sql)}


def _read_plan(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.replace('%', '%%')}", ())
        [told] = cursor.fetchone()
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("Plans", ()))
        table = node.get("Relation Name", "")
        if table.startswith(f"{EVENTS}_") and node["Actual Loops"]:
            yield table.removeprefix(f"{EVENTS}_")
