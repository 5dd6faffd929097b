"""What contacts do by the clock."""

from __future__ import annotations

import logging

from contacts.actions import jobs as actions
from contacts.activity.old_events import drop_old_events
from contacts.activity.partitions import MONTHS_AHEAD, ensure_partitions
from contacts.bulk import jobs as bulk
from contacts.exports import jobs as exports
from contacts.fields import jobs as fields
from contacts.identity import jobs as identity
from contacts.identity.retention import erase_expired, forget_old_changes
from contacts.imports import jobs as imports
from contacts.statistics import jobs as statistics
from contacts.subscribing import jobs as subscribing
from contacts.webhooks import jobs as webhooks
from crm.jobs import periodic

__all__ = [
    "actions",
    "bulk",
    "erase_inactive",
    "exports",
    "fields",
    "forget_what_is_old",
    "identity",
    "imports",
    "make_event_partitions",
    "statistics",
    "subscribing",
    "webhooks",
]

logger = logging.getLogger(__name__)


@periodic(cron="10 1 * * *")
def make_event_partitions() -> None:
    """Keep three months of event partitions ahead; daily, so that one that failed is made long before it is needed."""
    made = ensure_partitions(months_back=1, months_ahead=MONTHS_AHEAD)
    if made:
        logger.info("Made event partitions: %s", ", ".join(made))


@periodic(cron="30 3 * * *")
def erase_inactive() -> None:
    """Erase anonymous contacts and visitors after the policy's days of inactivity."""
    erased = erase_expired(by="rule:retention")
    if erased.contacts or erased.visitors:
        logger.info("Erased %d anonymous contacts and %d visitors.", erased.contacts, erased.visitors)


@periodic(cron="10 4 * * *")
def forget_what_is_old() -> None:
    """Forget changes and months of events that the account keeps no longer."""
    changes, months = forget_old_changes(), drop_old_events()
    if changes or months:
        logger.info("Forgot %d changes, and the events of: %s.", changes, ", ".join(months) or "no month")
