"""A call that is sent twice is done once: by its ``Idempotency-Key``, or, where a view asks for it, by its body."""

from collections.abc import Collection
from typing import Any, Final

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api import counters
from crm.api.answers import claim_answer, keep_answer, release_answer
from crm.api.renderers import Sentence, encode
from crm.models import StoredAnswer

__all__ = ["Answered", "Once", "begin"]

REPEATED_WITHIN: Final = 60
"""Seconds."""
SAFE: Final = ("GET", "HEAD", "OPTIONS")


class Answered(Exception):
    """The call needs no work: this is its answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Once:
    """A call under way that may be made again and again."""

    def end(self, response: HttpResponseBase, about: Collection[int] | None) -> None:
        """What was answered; ``about`` whom, see ``crm.api.answers``. What was refused may be sent again."""


class OnceABody(Once):
    def __init__(self, digest: bytes) -> None:
        self.digest = digest

    def end(self, response: HttpResponseBase, about: Collection[int] | None) -> None:
        if not is_done(response):
            counters.forget("bodies", self.digest)


class OnceAKey(Once):
    def __init__(self, answer: StoredAnswer) -> None:
        self.answer = answer

    def end(self, response: HttpResponseBase, about: Collection[int] | None) -> None:
        if is_done(response):
            keep_answer(self.answer, status=response.status_code, body=content_of(response), about=about)
        else:
            release_answer(self.answer)


def begin(request: Request, *, refuses_repeats: bool) -> Once:
    """Raises ``Answered`` where the call was made before."""
    name = request.headers.get("Idempotency-Key", "").strip()
    if name and request.method not in SAFE:
        return begin_by_key(request, name)
    return begin_by_body(request) if refuses_repeats else Once()


def begin_by_key(request: Request, name: str) -> Once:
    answer = claim_answer(request.auth, name, digest_request(request))
    if answer.status is None:
        return OnceAKey(answer)
    raise Answered(Response(bytes(answer.body or b""), status=answer.status, headers={"Idempotent-Replayed": "true"}))


def begin_by_body(request: Request) -> Once:
    digest = digest_request(request)
    if counters.count("bodies", digest, seconds=REPEATED_WITHIN) > 1:
        raise Answered(Response(Sentence("Duplicated request"), status=409))
    return OnceABody(digest)


def digest_request(request: Request) -> bytes:
    """From whom, what and where. Reading the data leaves the body on the request; files are not compared."""
    _data = request.data
    body: bytes = getattr(request, "raw_body", b"")
    parts = (request.auth.prefix, request.method or "", request.path_info, request.META.get("QUERY_STRING", ""))
    return counters.digest_of(*(part.encode(errors="surrogateescape") for part in parts), body)


def is_done(response: HttpResponseBase) -> bool:
    return 200 <= response.status_code < 300


def content_of(response: Any) -> bytes:
    if not isinstance(response, Response):
        return bytes(response.content)
    if isinstance(response.data, Sentence):
        return response.data.encode()
    return b"" if response.data is None else encode(response.data)
