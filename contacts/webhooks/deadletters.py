"""Changes that could not be delivered: put aside so that others can pass, sent again when a person asks for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from contacts.models import Webhook, WebhookDeadLetter
from contacts.webhooks.bell import ring
from contacts.webhooks.claims import update_claimed
from contacts.webhooks.requests import Answer, send
from contacts.webhooks.sources import Happening, source_named

__all__ = ["bury", "discard_dead_letters", "replay_dead_letters", "replay_next"]

BATCH: Final = 100


def bury(webhook: Webhook, source: str, happenings: Sequence[Happening], answer: Answer, *, attempts: int) -> None:
    """Put a batch aside, in the caller's transaction."""
    now = datetime.now(UTC)
    letters = [
        WebhookDeadLetter(
            webhook=webhook,
            source=source,
            number=happening.number,
            contact_id=happening.contact_id,
            kind=happening.kind,
            at=happening.at,
            failed_at=now,
            attempts=attempts,
            error=answer.error,
        )
        for happening in happenings
    ]
    WebhookDeadLetter.objects.bulk_create(letters, ignore_conflicts=True)


def replay_dead_letters(ids: Collection[int]) -> int:
    """Have these sent again before anything else; how many. They carry what their contacts have by then."""
    letters = WebhookDeadLetter.objects.filter(pk__in=ids)
    count = letters.update(replay_at=datetime.now(UTC))
    targets = Webhook.objects.filter(pk__in=letters.values("webhook_id"))
    targets.update(next_try_at=None)
    ring()
    return count


def discard_dead_letters(ids: Collection[int]) -> int:
    """Forget these; how many."""
    return WebhookDeadLetter.objects.filter(pk__in=ids).delete()[0]


def replay_next(webhook: Webhook) -> None:
    """Send all that was asked for; where the target fails again they stay where they are."""
    while letters := _asked_for(webhook):
        source = source_named(letters[0].source)
        found = source.find([(letter.contact_id, letter.number) for letter in letters]) if source else ()
        done = [letter.pk for letter in letters]
        if found:
            answer = send(webhook, found, source=letters[0].source)
            if not answer.is_success:
                _note_failure(letters, answer)
                return
            sent = {happening.number for happening in found[: answer.held]}
            left = {happening.number for happening in found} - sent
            done = [letter.pk for letter in letters if letter.number not in left]
            well = {"failures": 0, "attempts": 0, "last_error": "", "last_status": answer.status}
            update_claimed(webhook, last_delivered_at=datetime.now(UTC), **well)
        WebhookDeadLetter.objects.filter(pk__in=done).delete()


def _asked_for(webhook: Webhook) -> list[WebhookDeadLetter]:
    """The next ones of one source, in their order."""
    asked = WebhookDeadLetter.objects.filter(webhook=webhook, replay_at__isnull=False).order_by("source", "number")
    letters = list(asked[:BATCH])
    return [letter for letter in letters if letter.source == letters[0].source]


def _note_failure(letters: Sequence[WebhookDeadLetter], answer: Answer) -> None:
    """The person sees it and may ask again; the rest of what was asked for would fail in the same way."""
    WebhookDeadLetter.objects.filter(webhook_id=letters[0].webhook_id, replay_at__isnull=False).update(replay_at=None)
    WebhookDeadLetter.objects.filter(pk__in=[letter.pk for letter in letters]).update(
        error=answer.error, failed_at=datetime.now(UTC)
    )
