"""Which months of events a question really looks into, by the database's own account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

EVENTS = "contacts_event"
SETTINGS = re.compile(r"\A(SET LOCAL [^;]*;\s*)*")
"""What a question may say of how it is to be planned."""


def months_touched(ask: Callable[[], Any]) -> set[str]:
    """The months, such as ``2026_05``, whose tables are read for what ``ask`` asks; ``default`` is the one behind."""
    with CaptureQueriesContext(connection) as asked:
        ask()
    questions = [one["sql"] for one in asked.captured_queries if EVENTS in one["sql"]]
    assert questions, "nothing was asked about events"
    return {month for sql in questions for month in _read_plan(sql)}


def _read_plan(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        explained = SETTINGS.sub(r"\g<0>EXPLAIN (ANALYZE, FORMAT JSON) ", sql, count=1)
        cursor.execute(explained.replace("%", "%%"), ())
        while cursor.description is None:
            cursor.nextset()
        [told] = cursor.fetchone()
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    waiting = [plan]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("Plans", ()))
        table = node.get("Relation Name", "")
        if table.startswith(f"{EVENTS}_") and node["Actual Loops"]:
            yield table.removeprefix(f"{EVENTS}_")
