"""Bodies: JSON, read leniently in form (no content type, a byte order mark, whole numbers of any length), by orjson."""

import json
import re
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from crm.api.errors import BodyTooLarge, Malformed

__all__ = ["LenientJSONParser", "OneFormatNegotiation", "parse_json"]

LONG_NUMBER = re.compile(rb"\d{19}")
UTF_8_MARK = b"\xef\xbb\xbf"


class LenientJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge
        return parse_json(body)


def parse_json(body: bytes) -> Any:
    """An empty body counts as an empty object."""
    body = body.removeprefix(UTF_8_MARK)
    if not body.strip():
        return {}
    try:
        if LONG_NUMBER.search(body):  # orjson would round a number that does not fit 64 bits, and an id is not rounded
            return json.loads(body, parse_constant=refuse_constant)
        return orjson.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{Malformed.default_message()} ({error})") from error


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
