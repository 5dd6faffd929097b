"""Names as people look for them: by the beginnings of any of their words, in any order, whatever the case and accents.

A name is cut into words in SQL, by an expression that an index has too (migration 0013); what somebody typed is cut by
the same expression, so that both sides agree whatever the server's locale makes of capital letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection
from django.db.models import BooleanField, Func

__all__ = ["WORDS_SQL", "NamesMatch", "cut_into_words"]

_MARKS: Final = "".join(map(chr, range(0x300, 0x30D))) + "\u031b\u0323\u0326\u0327\u0328\u0331"
"""The accents that letters of Latin, Greek and Cyrillic carry, once they stand apart from them."""
_LETTERS: Final = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "-": " ", ".": " ", ",": " ", "\t": " "}
"""Letters whose stroke is no accent to Unicode, and what stands between words."""
_DROPPED: Final = "'’ʼ`‘" + _MARKS
"""Apostrophes are left out rather than cut at: who looks for Мар'яна or O'Brien may leave them out, too."""

_FOLDED: Final = (
    "translate(normalize(lower({text}), NFD), '"
    + ("".join(_LETTERS) + _DROPPED).replace("'", "''")
    + "', '"
    + "".join(_LETTERS.values())
    + "')"
)
_CUT: Final = f"array_remove(string_to_array({_FOLDED}, ' '), '')"
WORDS_SQL: Final = "array_to_tsvector(" + _CUT.format(text="coalesce({first}, '') || ' ' || coalesce({last}, '')") + ")"
"""The words of a first and a last name, as a tsvector."""

_CUT_TYPED: Final = f"SELECT {_CUT.format(text='%s')}"
_MOST_WORDS: Final = 8


def cut_into_words(text: str) -> list[str]:
    """The words of what somebody typed, each once."""
    with connection.cursor() as cursor:
        cursor.execute(_CUT_TYPED, [text])
        [words] = cursor.fetchone()
    return list(dict.fromkeys(words))[:_MOST_WORDS]


class NamesMatch(Func):
    """Each of ``words`` begins a word of the name."""

    output_field = BooleanField()

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__("first_name", "last_name")
        self.words = tuple(words)

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.__class__, self.words)

    def as_sql(self, compiler: Any, connection: Any, *_given: Any, **_context: Any) -> tuple[str, tuple[Any, ...]]:
        first, last = (compiler.compile(column)[0] for column in self.get_source_expressions())
        asked = " & ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "':*" for word in self.words)
        return f"({WORDS_SQL.format(first=first, last=last)} @@ %s::tsquery)", (asked,)
