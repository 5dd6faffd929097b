"""What contacts do by the clock."""

from __future__ import annotations

import logging

from contacts.actions import jobs as actions
from contacts.activity import jobs as activity
from contacts.activity.partitions import MONTHS_AHEAD, ensure_partitions
from contacts.bulk import jobs as bulk
from contacts.exports import jobs as exports
from contacts.exports.warehouse import jobs as warehouse
from contacts.fields import jobs as fields
from contacts.identity import jobs as identity
from contacts.imports import jobs as imports
from contacts.retention import apply_retention
from contacts.statistics import jobs as statistics
from contacts.subscribing import jobs as subscribing
from contacts.webhooks import jobs as webhooks
from crm.jobs import periodic

__all__ = [
    "actions",
    "activity",
    "apply_retention_by_night",
    "bulk",
    "exports",
    "fields",
    "identity",
    "imports",
    "make_event_partitions",
    "statistics",
    "subscribing",
    "warehouse",
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
def apply_retention_by_night() -> None:
    """Remove what the account keeps no longer. A worker that died is found, and its run goes on."""
    run = apply_retention(by="rule:retention")
    if run is not None:
        gone = {rule: line["gone"] for rule, line in run.lines.items() if line["gone"]}
        logger.info("Retention removed: %s", gone or "nothing")
