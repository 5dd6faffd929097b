"""Answers: JSON by orjson, or one plain sentence, both under the same content type."""

import json
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

__all__ = ["CONTENT_TYPE", "ApiRenderer", "Sentence", "encode"]

CONTENT_TYPE = "application/json; charset=UTF-8"


class Sentence(str):
    """Some answers are a bare sentence that clients compare with: ``Response(Sentence("…"))``."""

    __slots__ = ()


def encode(data: Any) -> bytes:
    try:
        return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        return json.dumps(data, default=str).encode()


class ApiRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = "UTF-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        if isinstance(data, bytes):  # an answer that was kept
            return data
        return data.encode() if isinstance(data, Sentence) else encode(data)
