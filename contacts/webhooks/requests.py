"""One request to a target: signed, sent, and noted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from contacts.models import Webhook, WebhookDelivery
from contacts.webhooks.message import Message, build_message
from contacts.webhooks.signature import HEADER, OLD_SECRET_COUNTS, secret_of, sign
from contacts.webhooks.sources import Happening
from crm.errors import CardfileError
from crm.outbound import Reply, post

__all__ = ["KEPT", "Answer", "send"]

SECONDS: Final = 15.0
KEPT: Final = 100
"""Deliveries of a target that can be looked at."""


class Answer(NamedTuple):
    """What came of a request: how many changes it ``held``, the status, and what was wrong ('': nothing)."""

    held: int
    status: int | None
    error: str
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return not self.error


def send(webhook: Webhook, happenings: Sequence[Happening], *, source: str, is_test: bool = False) -> Answer:
    """Send as many of the happenings as fit into one request. Never within a transaction."""
    now = datetime.now(UTC)
    head: dict[str, Any] = {"delivery": str(uuid.uuid4()), "webhook": webhook.pk, "test": is_test}
    message = build_message(happenings, source=source, columns=webhook.columns, head=head)
    began = monotonic()
    try:
        answer = _read_answer(message, _post(webhook, message, now, head["delivery"]))
    except CardfileError as error:
        answer = Answer(message.held, None, error.message)
    _note(webhook, answer, at=now, milliseconds=int((monotonic() - began) * 1000), is_test=is_test)
    return answer


def _post(webhook: Webhook, message: Message, now: datetime, delivery: str) -> Reply:
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Cardfile-Webhooks/1",
        "Cardfile-Delivery": delivery,
        HEADER: sign(message.body, moment=int(now.timestamp()), keys=_keys_of(webhook, now)),
    }
    return post(webhook.url, message.body, headers, seconds=SECONDS, networks=settings.OUTBOUND_NETWORKS)


def _keys_of(webhook: Webhook, now: datetime) -> list[str]:
    counts = webhook.old_salt and now < webhook.salted_at + OLD_SECRET_COUNTS
    return [secret_of(salt) for salt in (webhook.salt, *((webhook.old_salt,) if counts else ()))]


def _read_answer(message: Message, reply: Reply) -> Answer:
    error = "" if reply.is_success else _say_status(reply.status)
    return Answer(message.held, reply.status, error, reply.retry_after)


def _say_status(status: int) -> str:
    """By the status alone: what a server writes beside it may hold what we sent."""
    if 300 <= status < 400:
        return _("The server answered {status}, which leads elsewhere. Enter the address where it leads.").format(
            status=status
        )
    if status in (401, 403):
        return _("The server answered {status}. Let it accept requests with this target's signature.").format(
            status=status
        )
    if status in (404, 410):
        return _("The server answered {status}. Check the path of the address.").format(status=status)
    return _("The server answered {status}. Look into its log.").format(status=status)


def _note(webhook: Webhook, answer: Answer, *, at: datetime, milliseconds: int, is_test: bool) -> None:
    """Keep the last deliveries; older ones go."""
    noted = WebhookDelivery.objects.create(
        webhook=webhook,
        at=at,
        changes=answer.held,
        milliseconds=milliseconds,
        status=answer.status,
        error=answer.error,
        is_test=is_test,
    )
    if noted.pk % 20 == 0:
        kept = WebhookDelivery.objects.filter(webhook=webhook).order_by("-pk").values("pk")[KEPT : KEPT + 1]
        WebhookDelivery.objects.filter(webhook=webhook, pk__lte=kept).delete()
