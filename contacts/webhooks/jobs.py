"""Deliveries on the queue: a job is a nudge for one target, and does nothing where somebody is at it already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db.models import Q

from contacts.models import Webhook, WebhookDeadLetter
from contacts.webhooks.bell import enqueue_delivery
from contacts.webhooks.deliver import deliver, has_news
from crm.jobs import app, connection_let_go

__all__ = ["deliver_job", "look_for_waiting"]

RETRY_SLACK: Final = 1.0
"""Clocks differ a little; a retry that comes too early would find nothing to do."""


@app.task(name="contacts.webhooks.deliver", queue="webhooks")
@connection_let_go()
def deliver_job(webhook_id: int) -> None:
    """Deliver what waits for a target; whatever is to be done later is enqueued for then."""
    seconds = deliver(webhook_id)
    if seconds is None:
        seconds = seconds_to_next_try(webhook_id)
    if seconds is not None:
        enqueue_delivery(webhook_id, seconds=seconds)


def seconds_to_next_try(webhook_id: int) -> float | None:
    """After a failure."""
    webhook = Webhook.objects.filter(pk=webhook_id, is_active=True, next_try_at__isnull=False).first()
    if webhook is None or webhook.next_try_at is None:
        return None
    return max((webhook.next_try_at - datetime.now(UTC)).total_seconds(), 0) + RETRY_SLACK


@app.periodic(cron="* * * * * */30")
@app.task(name="contacts.webhooks.look_for_waiting", queueing_lock="contacts.webhooks.look_for_waiting")
def look_for_waiting_job(timestamp: int) -> None:
    """Twice a minute: whatever was missed."""
    look_for_waiting()


def look_for_waiting() -> None:
    """Enqueue every target that is due and has something to be told of."""
    now = datetime.now(UTC)
    asked = WebhookDeadLetter.objects.filter(replay_at__isnull=False).values("webhook_id")
    for webhook in Webhook.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), is_active=True):
        if has_news(webhook) or asked.filter(webhook=webhook).exists():
            enqueue_delivery(webhook.pk)
