r"""Patterns: the part of RE2 that PostgreSQL's own regular expressions can say as well (pure).

A pattern is read twice at parse time: by RE2 itself, which refuses what could run for ever, and by the small reader
here, which knows texts, sets (``[a-z]``, ``\d``, ``\w``, ``\s``), ``.``, groups, ``|``, ``^``, ``$`` and repeats. It
writes the pattern anew in PostgreSQL's words, every set spelled out, so that both mean the same on every server: ``.``
never is a line break, ``\d``, ``\w`` and ``\s`` are ASCII's. What it does not know is refused, and so is what would
grow too large: the database builds a repeat out of as many copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, NoReturn

import re2

__all__ = ["MAX_PATTERN", "PatternRefused", "both_cases", "write_pattern"]

MAX_PATTERN: Final = 200
"""Characters."""
MAX_REPEAT: Final = 100
MAX_SIZE: Final = 200
"""Places in the pattern once its repeats are written out."""
MAX_NESTED: Final = 20
MAX_FOLDED: Final = 3_000
"""A set of more characters has both cases of each letter anyway."""

Range = tuple[int, int]
"""The first and the last code point."""

_LAST: Final = 0x10FFFF
_DIGITS: Final = ((0x30, 0x39),)
_WORD: Final = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))
_LINE_BREAK: Final = ((0x0A, 0x0A),)
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_REPEATS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class PatternRefused(ValueError):
    """The pattern cannot be used; the message says why and what to write instead."""


def write_pattern(text: str, *, ignore_case: bool = False) -> str:
    """``text`` as PostgreSQL writes it; raises ``PatternRefused``."""
    if len(text) > MAX_PATTERN:
        raise PatternRefused(f"The pattern has at most {MAX_PATTERN} characters.")
    _ask_re2(text)
    return _Reader(text, ignore_case=ignore_case).read().text


def both_cases(char: str) -> str:
    """A pattern that one letter matches, whatever its case."""
    return _write_set(_fold([(ord(char), ord(char))]))


def _ask_re2(text: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise PatternRefused(f"This is no pattern of RE2 ({reason}). Correct it.") from error


# Sets of characters


def _complement(ranges: Iterable[Range]) -> list[Range]:
    """All other characters; NUL is in no text."""
    others, start = [], 1
    for low, high in _merge(ranges):
        if start < low:
            others.append((start, low - 1))
        start = high + 1
    return [*others, (start, _LAST)] if start <= _LAST else others


def _merge(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _fold(ranges: Iterable[Range]) -> list[Range]:
    """With the other case of each letter."""
    folded = list(ranges)
    for low, high in [*folded]:
        if high - low < MAX_FOLDED:
            cases = (case for code in range(low, high + 1) for case in (chr(code).lower(), chr(code).upper()))
            folded += [(ord(case), ord(case)) for case in cases if len(case) == 1]
    return _merge(folded)


def _write_set(ranges: Iterable[Range]) -> str:
    merged = _merge(ranges)
    if len(merged) == 1 and merged[0][0] == merged[0][1]:
        return _write_char(merged[0][0])
    return (
        "[" + "".join(_write_char(low) + (f"-{_write_char(high)}" if high > low else "") for low, high in merged) + "]"
    )


def _write_char(code: int) -> str:
    """A letter or digit as it is, anything else by its number: no sign has a meaning of its own."""
    char = chr(code)
    if char.isascii() and char.isalnum():
        return char
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


# Reading


class _Piece(NamedTuple):
    """A part that was read: as PostgreSQL writes it, and its size. An anchor stands between characters."""

    text: str
    size: int
    has_anchor: bool = False


class _Reader:
    """Reads a pattern that RE2 accepts, from left to right."""

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        self.text = text
        self.at = 0
        self.nested = 0
        self.ignore_case = ignore_case

    def read(self) -> _Piece:
        piece = self.read_branches()
        if self.at < len(self.text):
            self.refuse("This bracket closes nothing. Write \\) for the sign itself")
        return piece

    def read_branches(self) -> _Piece:
        branches = [self.read_branch()]
        while self.take("|"):
            branches.append(self.read_branch())
        size = sum(branch.size for branch in branches)
        if size > MAX_SIZE:
            self.refuse(f"The pattern grows too large: its repeats make more than {MAX_SIZE} places. Shorten them")
        return _Piece("|".join(branch.text for branch in branches), size, any(branch.has_anchor for branch in branches))

    def read_branch(self) -> _Piece:
        pieces = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            pieces.append(self.read_piece())
        return _Piece(
            "".join(piece.text for piece in pieces),
            sum(piece.size for piece in pieces),
            any(piece.has_anchor for piece in pieces),
        )

    def read_piece(self) -> _Piece:
        atom = self.read_atom()
        repeat = self.read_repeat()
        if repeat is None:
            return atom
        if atom.has_anchor:
            self.refuse("^ and $ cannot be repeated. Take them out of the repeat")
        self.take("?")  # a lazy repeat finds the same texts
        if self.peek() in {"*", "+", "?", "{"}:
            self.refuse("A repeat cannot be repeated. Put brackets around the inner one")
        return _repeat(atom, *repeat)

    def read_atom(self) -> _Piece:
        char = self.next()
        match char:
            case "^" | "$":
                return _Piece(char, 0, has_anchor=True)
            case "(":
                return self.read_group()
            case "[":
                return _Piece(self.read_set(), 1)
            case ".":
                return _Piece(_write_set(_complement(_LINE_BREAK)), 1)
            case "\\":
                return _Piece(self.write(self.read_escape()), 1)
            case "*" | "+" | "?" | "{" | "}":
                self.refuse(f"{char} has nothing to repeat. Write \\{char} for the sign itself")
        return _Piece(self.write([(ord(char), ord(char))]), 1)

    def read_group(self) -> _Piece:
        if self.take("?") and not self.take(":"):
            self.refuse(
                "Groups begin with ( or (?: alone; flags, names and looking around are not supported. Remove it"
            )
        self.nested += 1
        if self.nested > MAX_NESTED:
            self.refuse("The groups are nested too deeply. Take some of them out")
        inner = self.read_branches()
        self.nested -= 1
        if not self.take(")"):
            self.refuse("A bracket is not closed. Write )")
        return inner._replace(text=f"(?:{inner.text})")

    def read_repeat(self) -> tuple[int, int | None] | None:
        char = self.peek()
        if char in _REPEATS:
            self.at += 1
            return _REPEATS[char]
        return self.read_count() if self.take("{") else None

    def read_count(self) -> tuple[int, int | None]:
        low = self.read_number()
        high: int | None = low
        if self.take(","):
            high = None if self.peek() == "}" else self.read_number()
        if not self.take("}"):
            self.refuse("A repeat is written {3}, {3,} or {3,5}. Write \\{ for the sign itself")
        return low, high

    def read_number(self) -> int:
        digits = ""
        while self.peek().isascii() and self.peek().isdecimal():
            digits += self.next()
        if not digits:
            self.refuse("A repeat is written {3}, {3,} or {3,5}. Write \\{ for the sign itself")
        if len(digits) > 3 or int(digits) > MAX_REPEAT:
            self.refuse(f"A repeat goes up to {MAX_REPEAT}. Write a smaller number, or + or *")
        return int(digits)

    def read_escape(self) -> list[Range]:
        """After a backslash: the characters meant."""
        char = self.next()
        kinds = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
        if char.lower() in kinds:
            ranges = kinds[char.lower()]
            return list(ranges) if char in kinds else _complement(ranges)
        if char in _CONTROLS:
            char = _CONTROLS[char]
        elif not char.isascii() or char.isalnum():
            self.refuse(f"\\{char} is not supported. Use \\d, \\w, \\s, their capitals, sets such as [а-я], ^ and $")
        return [(ord(char), ord(char))]

    def read_set(self) -> str:
        """After ``[``."""
        is_negated = self.take("^")
        members: list[Range] = []
        is_first = True
        while is_first or self.peek() != "]":
            members += self.read_member(is_first=is_first)
            is_first = False
        self.take("]")
        if self.ignore_case:
            members = _fold(members)
        meant = _complement(members) if is_negated else members
        if not meant:
            self.refuse("This set matches nothing. Correct it")
        return _write_set(meant)

    def read_member(self, *, is_first: bool) -> list[Range]:
        low = self.read_one(may_be_dash=is_first or self.text[self.at + 1 : self.at + 2] == "]")
        is_range = self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in {"]", ""}
        if not is_range:
            return low
        self.take("-")
        high = self.read_one(may_be_dash=False)
        ends = (*low, *high)
        if len(ends) != 2 or any(first != last for first, last in ends):
            self.refuse("A range goes from one sign to another, such as a-z. Correct it")
        return [(low[0][0], high[0][0])]

    def read_one(self, *, may_be_dash: bool) -> list[Range]:
        char = self.next()
        if char == "\\":
            return self.read_escape()
        if char == "[" and self.peek() in {":", ".", "="}:
            self.refuse("Names of sets such as [:alpha:] are not supported. Write the letters, such as a-z")
        if char == "-" and not may_be_dash:
            self.refuse("A dash in a set stands at its end. Write \\- for the sign itself")
        return [(ord(char), ord(char))]

    def write(self, ranges: list[Range]) -> str:
        return _write_set(_fold(ranges) if self.ignore_case else ranges)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        if self.at >= len(self.text):
            self.refuse("The pattern ends too early. Complete it")
        self.at += 1
        return self.text[self.at - 1]

    def take(self, char: str) -> bool:
        """Whether ``char`` comes next; then it has been read."""
        if self.peek() != char:
            return False
        self.at += 1
        return True

    def refuse(self, message: str) -> NoReturn:
        raise PatternRefused(f"{message} (character {min(self.at, len(self.text))}).")


def _repeat(atom: _Piece, low: int, high: int | None) -> _Piece:
    copies = max(low, 1) if high is None else max(high, 1)
    suffix = "{%d,%s}" % (low, "" if high is None else high)  # noqa: UP031
    return _Piece(atom.text + suffix, atom.size * copies)
