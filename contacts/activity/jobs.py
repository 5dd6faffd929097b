"""What activity does by the clock."""

from __future__ import annotations

import logging

from contacts.activity.joining import join_waiting
from crm.jobs import periodic

__all__ = ["join_waiting_events"]

logger = logging.getLogger(__name__)


@periodic(cron="* * * * * */20")
def join_waiting_events() -> None:
    """Three times a minute: events whose contact came meanwhile are recorded on it."""
    joined = join_waiting()
    if joined:
        logger.info("Recorded %d events that waited for their contacts.", joined)
