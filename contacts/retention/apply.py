"""The run: every rule that the policy sets, one after the other, by one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext as _

from contacts.models import Policy, RetentionRun
from contacts.retention.report import begin_line, begin_run, end_line, end_run, fail_run, note_in
from contacts.retention.rules import RULES, Rule
from crm.claims import claiming, may_claim
from crm.jobs import failures_told

__all__ = ["apply_retention"]

logger = logging.getLogger(__name__)

CLAIM: Final = "retention"


def apply_retention(*, by: str, at: datetime | None = None, only: Collection[str] | None = None) -> RetentionRun | None:
    """Remove what is older than it is kept, and keep the report, which is given; None: somebody else is at it.

    It may be killed at any time: the next run goes on in the same report. ``at`` is the moment from which is counted
    back, now unless given; ``only`` names some of the rules.
    """
    with claiming() as own:
        if not may_claim(own, CLAIM):
            return None
        run = begin_run(by=by)
        with failures_told(
            lambda message: fail_run(run, message),
            gone=_("The database went away. What is left goes on with the next run."),
            logger=logger,
            name="Retention",
        ):
            for rule in RULES:
                if only is None or rule.name in only:
                    apply_rule(rule, run, by=by, at=at or datetime.now(UTC))
            end_run(run)
    run.refresh_from_db()
    return run


def apply_rule(rule: Rule, run: RetentionRun, *, by: str, at: datetime) -> None:
    """Under the policy as it stands now: it may have been changed since the run began."""
    kept = getattr(Policy.objects.order_by("pk").first() or Policy(), rule.setting)
    if kept is None:
        return
    before = rule.limit(kept, at)
    begin_line(run, rule, kept=kept, before=before)
    rule.apply(before, by, note_in(run, rule))
    end_line(run, rule)
