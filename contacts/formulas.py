"""Cells that a spreadsheet would take for formulas (pure). No file that we hand out has one."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["disarm", "quoted", "unquoted"]

STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
READ_BACK: Final = ("=", "+", "-", "@", "\t", "\r")
"""The starts of cells that are quoted where a file is to be repaired and read again."""
NUMBER: Final = re.compile(r"[+-]\d+(\.\d+)?")
"""A phone or an amount computes nothing, and would be of no use with a quote before it."""


def disarm(cell: str) -> str:
    """The text with a quote before it where a spreadsheet would compute it; reading a file takes that quote away."""
    return f"'{cell}" if cell.startswith(STARTS) and not NUMBER.fullmatch(cell) else cell


def quoted(cell: str) -> str:
    """A cell of a file to repair, with a quote where it starts a formula; what looks quoted already gets another."""
    return f"'{cell}" if cell.lstrip("'").startswith(READ_BACK) else cell


def unquoted(cell: str) -> str:
    """The cell that ``quoted`` was given."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(READ_BACK) else cell
