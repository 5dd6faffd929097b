"""Cells that a spreadsheet would take for formulas (pure). No file that we hand out has one."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["disarm"]

STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER: Final = re.compile(r"[+-]\d+(\.\d+)?")
"""A phone or an amount computes nothing, and would be of no use with a quote before it."""


def disarm(cell: str) -> str:
    """The text with a quote before it where a spreadsheet would compute it; reading a file takes that quote away."""
    return f"'{cell}" if cell.startswith(STARTS) and not NUMBER.fullmatch(cell) else cell
