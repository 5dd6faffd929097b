"""Brings a target up to date: batch by batch, in the order of its sources, until nothing is left or something fails.

1. Claim the target. 2. Send again what a person asked for. 3. From where each source stands, read what happened, send
it, and move on; what fails is tried again later, and put aside in the end. 4. Give the claim back. Where a target
stands moves only after its answer, so that a change may arrive twice, but none is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from django.db import transaction

from contacts.models import Webhook
from contacts.webhooks.claims import claim, give_back, update_claimed
from contacts.webhooks.deadletters import bury, replay_next
from contacts.webhooks.errors import ClaimLost
from contacts.webhooks.message import concerns
from contacts.webhooks.requests import Answer, send
from contacts.webhooks.schedule import delay_after, is_given_up, size_after
from contacts.webhooks.sources import Happening, Source, sources

__all__ = ["BATCH", "deliver", "send_test"]

BATCH: Final = 100
"""Changes in a request, at most."""
SECONDS: Final = 20.0
"""For a target at a time; then others get their turn."""
LOOK_AGAIN: Final = 1.0


def deliver(webhook_id: int, *, seconds: float = SECONDS) -> float | None:
    """Deliver what waits; after how many seconds to go on with it, None where nothing more is known of."""
    webhook = claim(webhook_id)
    if webhook is None:
        return None
    ends_at = monotonic() + seconds
    has_more = True
    try:
        replay_next(webhook)
        while has_more and monotonic() < ends_at:
            has_more = any([deliver_next(webhook, source) for source in sources()])  # noqa: C419  # each has its turn
    except ClaimLost:
        return None
    finally:
        give_back(webhook)
    if has_more:
        return 0
    # Who came while the claim was held went away again: look once more.
    return LOOK_AGAIN if webhook.next_try_at is None and has_news(webhook) else None


def has_news(webhook: Webhook) -> bool:
    """Whether anything may have happened since; something that is not settled yet counts."""
    return any(source.last() > position_in(webhook, source) for source in sources())


def position_in(webhook: Webhook, source: Source) -> int:
    return int(webhook.positions.get(source.name, 0))


def deliver_next(webhook: Webhook, source: Source) -> bool:
    """What one look into a source yields; False where there is nothing more, or nothing more for now."""
    if webhook.next_try_at is not None:
        return False
    upto = source.settled()
    if upto is None or upto <= position_in(webhook, source):
        return False
    reading = source.read(after=position_in(webhook, source), upto=upto)
    waiting = [one for one in reading.happenings if concerns(one, kinds=webhook.kinds, columns=webhook.columns)]
    if not waiting:
        move_on(webhook, source, reading.upto)
    while waiting:
        size = size_after(webhook.attempts, status=webhook.last_status, size=BATCH)
        answer = send(webhook, waiting[:size], source=source.name)
        sent, waiting = waiting[: answer.held], waiting[answer.held :]
        reached = sent[-1].number if waiting else reading.upto
        if not answer.is_success:
            note_failure(webhook, source, sent, reached, answer)
            return False
        move_on(webhook, source, reached, delivered=True, status=answer.status)
    return True


def move_on(
    webhook: Webhook, source: Source, number: int, *, delivered: bool = False, status: int | None = None
) -> None:
    positions = {**webhook.positions, source.name: number}
    if not delivered:
        update_claimed(webhook, positions=positions)
        return
    well = {"attempts": 0, "failures": 0, "last_error": "", "last_status": status}
    update_claimed(webhook, positions=positions, last_delivered_at=datetime.now(UTC), **well)


def note_failure(webhook: Webhook, source: Source, sent: Sequence[Happening], reached: int, answer: Answer) -> None:
    """Try again later, or put the batch aside and go on; either way not before the next moment."""
    attempts, failures = webhook.attempts + 1, webhook.failures + 1
    delay = delay_after(failures, status=answer.status, retry_after=answer.retry_after)
    noted = {
        "failures": failures,
        "next_try_at": datetime.now(UTC) + delay,
        "last_status": answer.status,
        "last_error": answer.error,
    }
    if not is_given_up(attempts, status=answer.status, size=len(sent)):
        update_claimed(webhook, attempts=attempts, **noted)
        return
    with transaction.atomic():
        bury(webhook, source.name, sent, answer, attempts=attempts)
        positions = {**webhook.positions, source.name: reached}
        update_claimed(webhook, positions=positions, attempts=0, **noted)


def send_test(webhook: Webhook) -> Answer:
    """Send a request that says it is a test; where the target stands does not move."""
    example = Happening(0, "test", 0, datetime.now(UTC), by="user:0")
    return send(webhook, [example], source="test", is_test=True)
