"""Says to the queue that something may have happened: a nudge, no more, since the sources hold what did.

Without an active target it costs a comparison a transaction. With one, each process nudges once a second at most: at
once when it was quiet, and once more at the end of the second if something came meanwhile. What a nudge missed is found
twice a minute by ``look_for_waiting``.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from django.db import transaction

from contacts.models import Webhook
from crm.nudges import Turns, enqueue_once

__all__ = ["enqueue_delivery", "forget_targets", "note_changes", "ring"]

TARGETS_KNOWN_FOR: Final = 10.0


class Bell:
    """What this process knows: the active targets, and whose turn it is to nudge."""

    def __init__(self) -> None:
        self.targets: list[int] = []
        self.known_until = 0.0
        self.turns = Turns()

    def active_targets(self) -> list[int]:
        now = monotonic()
        if now >= self.known_until:
            self.targets = list(Webhook.objects.filter(is_active=True).values_list("pk", flat=True))
            self.known_until = now + TARGETS_KNOWN_FOR
        return self.targets


_bell: Final = Bell()


def note_changes(**_: Any) -> None:
    """Contacts changed in this transaction: nudge once it is committed. Whatever fails then is only late."""
    transaction.on_commit(ring, robust=True)


def ring() -> None:
    """Nudge the deliveries of every active target."""
    targets = _bell.active_targets()
    if not targets:
        return
    seconds = _bell.turns.take()
    if seconds is not None:
        for webhook_id in targets:
            enqueue_delivery(webhook_id, seconds=seconds)


def forget_targets() -> None:
    """A target was saved here: read them again, and nudge without delay."""
    _bell.known_until = 0.0
    _bell.turns.start_anew()


def enqueue_delivery(webhook_id: int, *, seconds: float = 0) -> None:
    """One job that is to come for each target, and one that is to come later."""
    from contacts.webhooks.jobs import deliver_job

    enqueue_once(deliver_job, f"{deliver_job.name}:{webhook_id}", seconds=seconds, webhook_id=webhook_id)
