"""Asking segments within a time limit."""

from __future__ import annotations

from contextlib import AbstractContextManager

from crm import limits
from segments.errors import AskingTookTooLong

__all__ = ["stopped_after"]


def stopped_after(
    milliseconds: int, error: type[AskingTookTooLong] = AskingTookTooLong
) -> AbstractContextManager[None]:
    """Statements are stopped after so long, and ``error`` is raised (``crm.limits``)."""
    return limits.stopped_after(milliseconds, error)
