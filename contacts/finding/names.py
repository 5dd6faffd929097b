"""Names as people look for them: by the beginnings of any of their words, in any order, whatever the case and accents.

A name is cut into words in SQL, by an expression that an index has too (migration 0013); what somebody typed is cut by
the same expression, so that both sides agree whatever the server's locale makes of capital letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connection

from contacts.finding.sql import Holds

__all__ = ["WORDS_SQL", "cut_into_words", "names_match", "near_names"]

NAME_COLUMNS: Final = ("first_name", "last_name")
NAME_SQL: Final = "coalesce({first}, '') || ' ' || coalesce({last}, '')"
_FOLDED: Final = (
    "translate(regexp_replace(normalize(lower({text}), NFD), '[\u0300-\u0331''’ʼ`‘]', '', 'g'), 'łøđ-', 'lod ')"
)
"""Small letters without accents. Apostrophes are left out rather than cut at: who looks for Мар'яна or O'Brien may
leave them out, too. ł, ø and đ are letters of their own to Unicode."""
_CUT: Final = f"array_remove(string_to_array({_FOLDED}, ' '), '')"
WORDS_SQL: Final = "array_to_tsvector(" + _CUT.format(text=NAME_SQL) + ")"
"""The words of a first and a last name, as a tsvector. The index has the same words."""
_CUT_TYPED: Final = f"SELECT {_CUT.format(text='%s')}"
_MOST_WORDS: Final = 8
_LETTERS_APART: Final = frozenset("lod")


def cut_into_words(text: str) -> list[str]:
    """The words of what somebody typed, each once."""
    with connection.cursor() as cursor:
        cursor.execute(_CUT_TYPED, [text.replace(",", " ")])
        [words] = cursor.fetchone()
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def names_match(words: Sequence[str], *, whole: bool = False) -> Holds:
    """Each of ``words`` begins a word of the name, or is one as it stands."""
    sql = WORDS_SQL.format(first="{0}", last="{1}") + " @@ %s::tsquery"
    return Holds(sql, *NAME_COLUMNS, params=(_ask(words, whole),))


def _ask(words: Sequence[str], whole: bool) -> str:
    return " & ".join(f"'{_escape(word)}'" + ("" if whole else ":*") for word in words)


def near_names(words: Sequence[str], *, whole: bool = False) -> Holds:
    """The same, to be asked of contacts one by one.

    Most are ruled out by what is several times as quick: the letters stand in this order, whatever accents are between
    them. The rest is written so that the index is of no use for it: the planner would fetch all that match, however
    few are to be looked at.
    """
    patterns = ["%" + "".join(_as_pattern(letter) for letter in word) for word in words]
    likely = f"normalize(lower({NAME_SQL.format(first='{0}', last='{1}')}), NFD) LIKE ALL (%s)"
    surely = f"({WORDS_SQL.format(first='{0}', last='{1}')} || ''::tsvector) @@ %s::tsquery"
    return Holds(f"{likely} AND {surely}", *NAME_COLUMNS, params=(patterns, _ask(words, whole)))


def _as_pattern(letter: str) -> str:
    if letter in _LETTERS_APART:
        return ""
    return ("\\" + letter if letter in "%_\\" else letter) + "%"


def _escape(word: str) -> str:
    return word.replace("\\", "\\\\").replace("'", "''")
