"""One delivers to a target at a time: who does holds a claim, which ends by itself should its process die."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from contacts.models import Webhook
from contacts.webhooks.errors import ClaimLost

__all__ = ["CLAIMED_FOR", "claim", "give_back", "update_claimed"]

CLAIMED_FOR: Final = timedelta(seconds=90)
"""Longer than a request may take; it is renewed with every one."""


def claim(webhook_id: int) -> Webhook | None:
    """The target, if it is switched on, due, and nobody has it."""
    now = datetime.now(UTC)
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = Q(next_try_at=None) | Q(next_try_at__lte=now)
    until = now + CLAIMED_FOR
    if not Webhook.objects.filter(free, due, pk=webhook_id, is_active=True).update(
        claimed_until=until, next_try_at=None
    ):
        return None
    return Webhook.objects.filter(pk=webhook_id, claimed_until=until).first()


def update_claimed(webhook: Webhook, **values: Any) -> None:
    """Write what came of a request, and go on holding the claim; raises ``ClaimLost`` if it was taken or ended."""
    before, webhook.claimed_until = webhook.claimed_until, datetime.now(UTC) + CLAIMED_FOR
    values["claimed_until"] = webhook.claimed_until
    if not Webhook.objects.filter(pk=webhook.pk, claimed_until=before, is_active=True).update(**values):
        raise ClaimLost(webhook_id=webhook.pk)
    for name, value in values.items():
        setattr(webhook, name, value)


def give_back(webhook: Webhook) -> None:
    Webhook.objects.filter(pk=webhook.pk, claimed_until=webhook.claimed_until).update(claimed_until=None)
