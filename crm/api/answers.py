"""Answers kept by ``Idempotency-Key``: a call that is sent again is answered again and does nothing.

An answer is kept for a day. Where the contacts it is about are erased, so is the answer: what is left is that the call
was made, so that it still is not made twice. An answer that does not say whom it is about goes with anybody.
"""

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from crm.errors import CardfileError
from crm.models import ApiKey, StoredAnswer

__all__ = [
    "IdempotencyKeyReused",
    "InvalidIdempotencyKey",
    "claim_answer",
    "erase_answers",
    "forget_old_answers",
    "keep_answer",
    "release_answer",
]

KEPT_FOR: Final = timedelta(days=1)
UNDER_WAY_FOR: Final = timedelta(minutes=10)
"""Of a call that never ended, since its process died."""
MOST_CHARACTERS: Final = 255


class InvalidIdempotencyKey(CardfileError):
    """An Idempotency-Key has at most 255 characters."""

    code = "invalid_idempotency_key"


class IdempotencyKeyReused(CardfileError):
    """This Idempotency-Key was sent with another request. Use a new one for each request."""

    code = "idempotency_key_reused"


class RequestUnderWay(CardfileError):
    """The request with this Idempotency-Key is still being worked on. Send it again in a moment."""

    code = "request_under_way"


class AnswerErased(CardfileError):
    """The request with this Idempotency-Key was done; its answer was erased together with the contact."""

    code = "answer_erased"


def claim_answer(key: ApiKey, name: str, request_digest: bytes) -> StoredAnswer:
    """The answer to this call: one to be filled, or, where its ``status`` is set, the one that was given."""
    if len(name) > MOST_CHARACTERS:
        raise InvalidIdempotencyKey
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    now = timezone.now()
    mine = {"key_id": key.pk, "name_digest": digest}
    ended = Q(created_at__lt=now - KEPT_FOR) | Q(status=None, created_at__lt=now - UNDER_WAY_FOR)
    StoredAnswer.objects.filter(ended, **mine).delete()
    answer, is_new = StoredAnswer.objects.get_or_create(
        **mine, defaults={"request_digest": request_digest, "created_at": now}
    )
    if not is_new:
        check_given(answer, request_digest)
    return answer


def check_given(answer: StoredAnswer, request_digest: bytes) -> None:
    if bytes(answer.request_digest) != request_digest:
        raise IdempotencyKeyReused
    if answer.status is None:
        raise RequestUnderWay(retry_after=1)
    if answer.body is None:
        raise AnswerErased


def keep_answer(answer: StoredAnswer, *, status: int, body: bytes, about: Collection[int] | None) -> None:
    """``about``: the ids of the contacts that the answer tells something of; None where that is not known."""
    StoredAnswer.objects.filter(pk=answer.pk).update(
        status=status, body=body, about=None if about is None else list(about)
    )


def release_answer(answer: StoredAnswer) -> None:
    """Nothing was done: the same call may be made again."""
    StoredAnswer.objects.filter(pk=answer.pk).delete()


def erase_answers(ids: Collection[int]) -> None:
    """Blank what was answered about these, and what might have been."""
    StoredAnswer.objects.filter(Q(about__overlap=list(ids)) | Q(about=None), body__isnull=False).update(
        body=None, about=[]
    )


def forget_old_answers() -> None:
    StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
