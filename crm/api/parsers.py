"""Bodies: JSON, read leniently in form (no content type, a byte order mark, whole numbers of any length), by orjson.

They may be packed by gzip. A body is as large as it is unpacked, and no more of it than the limit is ever unpacked.
"""

import json
import re
import zlib
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from crm.api.errors import BodyTooLarge, BrokenGzip, Malformed, UnsupportedEncoding

__all__ = ["LenientJSONParser", "OneFormatNegotiation", "parse_json", "unpack"]

DEEPEST = 64
"""Levels of lists and objects within each other."""
GZIP = 16 + zlib.MAX_WBITS
LONG_NUMBER = re.compile(rb"\d{19}")
UTF_8_MARK = b"\xef\xbb\xbf"


class LenientJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """A view may lower the limit: ``most_body_bytes``. What was read stays on the request as ``raw_body``."""
        limit = getattr(parser_context["view"], "most_body_bytes", None) or settings.MOST_BODY_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        request = parser_context["request"]
        request.raw_body = unpack(body, request.headers.get("Content-Encoding", ""), limit=limit)
        return parse_json(request.raw_body)


def unpack(body: bytes, encoding: str, *, limit: int) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedEncoding
    member = zlib.decompressobj(GZIP)
    try:
        unpacked = member.decompress(body, limit + 1)
    except zlib.error as error:
        raise BrokenGzip from error
    if len(unpacked) > limit:
        raise BodyTooLarge
    if not member.eof or member.unused_data:
        raise BrokenGzip
    return unpacked


def parse_json(body: bytes) -> Any:
    """An empty body counts as an empty object."""
    body = body.removeprefix(UTF_8_MARK)
    if not body.strip():
        return {}
    try:
        # orjson would round a number that does not fit 64 bits, and an id is not rounded.
        value = json.loads(body, parse_constant=refuse_constant) if LONG_NUMBER.search(body) else orjson.loads(body)
        check_depth(value, most_containers=body.count(b"{") + body.count(b"["))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{Malformed.default_message()} ({error})") from error
    return value


def check_depth(value: Any, *, most_containers: int) -> None:
    """Level by level, where there are enough brackets to be too deep at all."""
    level, depth = [value], 0
    while level and most_containers > DEEPEST:
        if depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} levels of lists and objects")
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level, depth = [part for inner in parts for part in inner], depth + 1


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class OneFormatNegotiation(BaseContentNegotiation):
    """We speak JSON whatever ``Accept`` says; a body without a content type is taken for JSON too."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        if not content_type or content_type.endswith("+json"):
            return parsers[0]
        return next((parser for parser in parsers if parser.media_type in (content_type, "*/*")), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
