"""Pages of a list, as the wire counts them: ``startindex`` from 1, up to 500 ``maxrows``, the header ``TotalCount``."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response

__all__ = ["MAX_ROWS", "PAGE_PARAMETERS", "Page", "answer_page", "fetch_page", "read_number", "read_page"]

MAX_ROWS: Final = 500
LARGEST: Final = 2**31
"""No list is that long, and what is beyond it is no row of it either."""

PAGE_PARAMETERS: Final = [
    OpenApiParameter(
        "startindex",
        {"type": "integer", "minimum": 0, "default": 1},
        description="The number of the first row, counted from 1.",
    ),
    OpenApiParameter(
        "maxrows",
        {"type": "integer", "minimum": 1, "default": MAX_ROWS},
        description=f"How many rows at most; never more than {MAX_ROWS}.",
    ),
    OpenApiParameter(
        "TotalCount",
        {"type": "integer", "minimum": 0},
        OpenApiParameter.HEADER,
        description="How many rows there are in all.",
        response=[200],
    ),
]


class Page(NamedTuple):
    """Rows from ``start``, counted from 0, at most ``size`` of them."""

    start: int
    size: int


def read_page(params: Mapping[str, Any]) -> Page:
    """Raises ``ValidationError`` for what is no number. Clients that count from 0 mean the first row too."""
    start = read_number(params, "startindex", default=1, smallest=0)
    size = read_number(params, "maxrows", default=MAX_ROWS, smallest=1)
    return Page(max(start - 1, 0), min(size, MAX_ROWS))


def answer_page(shown: Any, total: int) -> Response:
    return Response(shown, headers={"TotalCount": str(total)})


def fetch_page(rows: "QuerySet[Any]", page: Page) -> tuple[list[Any], int]:
    """The rows of the page, and how many there are in all, which is counted only where the page does not tell."""
    found = list(rows[page.start : page.start + page.size])
    is_last = len(found) < page.size and (found or not page.start)
    return found, page.start + len(found) if is_last else rows.order_by().count()


def read_number(params: Mapping[str, Any], name: str, *, default: int, smallest: int) -> int:
    text = str(params.get(name, "")).strip()
    if not text:
        return default
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise refused(name, "invalid_number", _("Write a whole number that is not negative."))
    number = min(int(digits), LARGEST) if len(digits.lstrip("0")) <= len(str(LARGEST)) else LARGEST
    if number < smallest:
        raise refused(name, "too_small", _("Write a number of at least {number}.").format(number=smallest))
    return number


def refused(name: str, code: str, message: str) -> ValidationError:
    detail: dict[str, Any] = {name: [ErrorDetail(message, code)]}
    return ValidationError(detail)
