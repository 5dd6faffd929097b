"""The operators of texts, external IDs, emails and phones (pure).

Texts compare exactly; emails, whose owners do not tell upper from lower case either, ignore it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from segments.conditions.operators.operator import (
    Arity,
    Operand,
    Operator,
    Reads,
    Write,
    by_key,
    gettext_noop,
    opposite,
)
from segments.conditions.operators.presence import IS_EMPTY, IS_NOT_EMPTY
from segments.conditions.patterns import both_cases, write_pattern
from segments.conditions.sql import Clause, render

__all__ = ["EMAILS", "LOOKED_UP", "TEXTS"]

_ = gettext_noop


# Whole texts


def _is_one_of(operand: Operand) -> Clause:
    if len(operand.values) == 1:
        return render("{} = {}", operand.value, operand.first)
    return render("{} = ANY({})", operand.value, list(operand.values))


def _is_found(operand: Operand) -> Clause:
    """Exact identifiers are resolved first: no SQL runs between contacts and identifiers."""
    if operand.field.kind is None:
        raise ValueError(f"{operand.field.key} is not looked up through identifiers.")
    ids = operand.context.find_contacts(operand.field.kind, [str(value) for value in operand.values])
    return render("@contact.id = ANY({})", ids)


# Parts of texts: ``before`` and ``after`` say whether anything may stand there


Part = Callable[[Operand, bool, bool], Clause]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _like(text: str, before: bool, after: bool) -> str:
    return f"{'%' if before else ''}{_escape(text)}{'%' if after else ''}"


def _match_part(operand: Operand, before: bool, after: bool) -> Clause:
    return render("{} LIKE {}", operand.value, _like(operand.first, before, after))


def _match_email(operand: Operand, before: bool, after: bool) -> Clause:
    """Without case, the same on every server: a database's own ``lower()`` depends on its locale.

    Under "C" it lowers the letters A to Z alone; a text with other letters becomes a pattern with both cases of each.
    """
    text: str = operand.first
    if text.isascii():
        return render('lower({} COLLATE "C") LIKE {}', operand.value, _like(text.lower(), before, after))
    pattern = "".join(map(both_cases, text))
    return render('({} COLLATE "C") ~ {}', operand.value, f"{'' if before else '^'}{pattern}{'' if after else '$'}")


def _matches(operand: Operand) -> Clause:
    return render('({} COLLATE "C") ~ {}', operand.value, write_pattern(operand.first))


def _email_matches(operand: Operand) -> Clause:
    return render('({} COLLATE "C") ~ {}', operand.value, write_pattern(operand.first, ignore_case=True))


def _at(part: Part, before: bool, after: bool) -> Write:
    def sql(operand: Operand) -> Clause:
        return part(operand, before, after)

    return sql


def _operators(whole: Write, part: Part, pattern: Write) -> Mapping[str, Operator]:
    one, many, piece = Arity.ONE, Arity.MANY, Reads.TEXT
    none_of = _("{field} is not one of {values}")
    return by_key(
        Operator("is", _("is"), _("{field} is {value}"), one, whole),
        Operator("is_not", _("is not"), _("{field} is not {value}"), one, opposite(whole), holds_when_not_set=True),
        Operator("is_one_of", _("is one of"), _("{field} is one of {values}"), many, whole, hint=_LIST),
        Operator(
            "is_not_one_of", _("is not one of"), none_of, many, opposite(whole), holds_when_not_set=True, hint=_LIST
        ),
        Operator("contains", _("contains"), _("{field} contains {value}"), one, _at(part, True, True), reads=piece),
        Operator(
            "starts_with", _("starts with"), _("{field} starts with {value}"), one, _at(part, False, True), reads=piece
        ),
        Operator("ends_with", _("ends with"), _("{field} ends with {value}"), one, _at(part, True, False), reads=piece),
        Operator(
            "matches",
            _("matches the pattern"),
            _("{field} matches the pattern {value}"),
            one,
            pattern,
            reads=Reads.PATTERN,
            hint=_PATTERN,
        ),
        IS_EMPTY,
        IS_NOT_EMPTY,
    )


_LIST: Final = _("One value a line, or separated by commas. A list may be pasted.")
_PATTERN: Final = _("Such as ^C-[0-9]{4}$. It is looked for anywhere, unless ^ and $ say otherwise.")

TEXTS: Final = _operators(_is_one_of, _match_part, _matches)
LOOKED_UP: Final = _operators(_is_found, _match_part, _matches)
EMAILS: Final = _operators(_is_found, _match_email, _email_matches)
