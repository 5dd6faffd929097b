"""What activity refuses, as errors. What is wrong with one fact of many stands in its outcome."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = ["InvalidPosition"]


class InvalidPosition(CardfileError):
    """This is no position on a timeline. Start from the first page."""

    code = "invalid_position"
