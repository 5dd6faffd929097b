"""The figures by the clock."""

from __future__ import annotations

from contacts.statistics.refresh import refresh_statistics
from crm.jobs import app, periodic

__all__ = ["count_all_anew", "refresh_by_clock", "refresh_now"]


@app.task(name="contacts.statistics.refresh")
def refresh_now() -> None:
    """Because somebody asked."""
    refresh_statistics()


@periodic(cron="*/5 * * * *")
def refresh_by_clock() -> None:
    """Every five minutes; only ranges of ids where a contact changed are counted."""
    refresh_statistics()


@periodic(cron="5 4 * * *")
def count_all_anew() -> None:
    """Once a night all of them: what changed without moving a date is found, too."""
    refresh_statistics(complete=True)
