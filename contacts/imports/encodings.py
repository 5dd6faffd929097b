"""Which encoding a text is in: said by its first bytes, or guessed from its letters (pure).

UTF-8 and UTF-16 give themselves away. For all others the letters decide: of every encoding and every language written
in it, how probable is it that somebody wrote these? Libraries for this were tried and took José for José, but Peña for
Peńa: they know too many encodings and nothing of how rare Polish is in Spain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from math import log
from typing import Final

__all__ = ["ENCODINGS", "guess_encoding", "said_encoding"]

ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16-le": "Unicode (UTF-16 LE)",
    "utf-16-be": "Unicode (UTF-16 BE)",
    "windows-1251": "Cyrillic (Windows-1251)",
    "windows-1252": "Western European (Windows-1252)",
    "windows-1250": "Central European (Windows-1250)",
    "windows-1253": "Greek (Windows-1253)",
    "windows-1254": "Turkish (Windows-1254)",
    "windows-1255": "Hebrew (Windows-1255)",
    "windows-1256": "Arabic (Windows-1256)",
    "windows-1257": "Baltic (Windows-1257)",
    "koi8-u": "Cyrillic (KOI8-U)",
    "cp866": "Cyrillic (DOS 866)",
    "iso-8859-1": "Western European (ISO-8859-1)",
    "iso-8859-2": "Central European (ISO-8859-2)",
    "iso-8859-3": "South European (ISO-8859-3)",
    "iso-8859-4": "North European (ISO-8859-4)",
    "iso-8859-5": "Cyrillic (ISO-8859-5)",
    "iso-8859-6": "Arabic (ISO-8859-6)",
    "iso-8859-7": "Greek (ISO-8859-7)",
    "iso-8859-8": "Hebrew (ISO-8859-8)",
    "iso-8859-9": "Turkish (ISO-8859-9)",
    "iso-8859-10": "Nordic (ISO-8859-10)",
    "iso-8859-11": "Thai (ISO-8859-11)",
    "iso-8859-13": "Baltic (ISO-8859-13)",
    "iso-8859-14": "Celtic (ISO-8859-14)",
    "iso-8859-15": "Western European (ISO-8859-15)",
    "iso-8859-16": "South-Eastern European (ISO-8859-16)",
}
"""All that a person can choose, with their labels."""

CYRILLIC: Final = (
    "оанитврелсікдмупзяьбгчйхцшжїюєщфґ",  # Ukrainian
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",  # Russian
    "аніртоеслкяукдвмпзыьбўгчцйжхшюфэёі",  # Belarusian
    "аоиетнрсвлкдпмзяъбугчщцжйхфшюь",  # Bulgarian
    "аоиенртсјвкдумплзбгчцшћжђњхљфџ",  # Serbian
)
WESTERN: Final = (
    "éèàçêâîôûùëïœ",  # French
    "óíáéñúü",  # Spanish
    "ãçáéíóêâõúôà",  # Portuguese
    "èàùòìé",  # Italian
    "üäöß",  # German
    "åäö",  # Swedish, Finnish
    "øåæé",  # Danish, Norwegian
    "íáðöúæéóþý",  # Icelandic
    "ëéïöü",  # Dutch
)
CENTRAL: Final = (
    "łóążęśćńź",  # Polish
    "íáéěýřžčšůúťňďó",  # Czech
    "áíéýčžúšľťôňäó",  # Slovak
    "áéöóőüíűú",  # Hungarian
    "ăîâşţșț",  # Romanian
    "čšžćđ",  # Croatian, Slovene
)
TURKISH: Final = ("ıişğçüöâ",)
GREEK: Final = ("αοίιετσνηρκπάυόλμςγέύθωήδχφώβξζψ",)
HEBREW: Final = ("יוהלאמרתבשנדעחקפםצגכזטסןךףץ",)
ARABIC: Final = ("اليمنورتبةعدسفهكحقأجشصطىخذءزضغئثظإآؤ",)
BALTIC: Final = ("ėšųžįčąūę", "āīēšžņļķģčū", "äõüöšž")
LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "windows-1252": WESTERN,
    "windows-1251": CYRILLIC,
    "windows-1250": CENTRAL,
    "windows-1254": TURKISH,
    "windows-1253": GREEK,
    "windows-1257": BALTIC,
    "windows-1255": HEBREW,
    "windows-1256": ARABIC,
    "koi8-u": CYRILLIC,
    "cp866": CYRILLIC,
    "iso-8859-15": WESTERN,
    "iso-8859-1": WESTERN,
    "iso-8859-2": CENTRAL,
    "iso-8859-5": CYRILLIC,
    "iso-8859-7": GREEK,
    "iso-8859-9": TURKISH,
    "iso-8859-13": BALTIC,
}
"""What is guessed, the more usual first (it wins where both read the same), and the letters beyond ASCII of the
languages that are written in it, the most frequent first."""

SIGNS: Final = frozenset("“”„‘’‚«»–—…№€°§®™©·•×±½´\u00a0\u00ad")
SIGN: Final = log(0.01)
FOREIGN: Final = log(0.0005)
"""A letter of no word of the language, or another sign."""
CONTROL: Final = log(1e-9)
BAD_PAIR: Final = log(0.02)
"""A capital after a small letter; letters of two alphabets in one word."""
CAPITALS: Final = (0.15, 0.85)
"""The share of capitals in text, and in text of capitals, which is rarer."""
RARER: Final = -3.0


def said_encoding(start: bytes) -> str | None:
    """What the first bytes of a file say: a byte order mark, or the NULs of UTF-16 in every second place."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > 10 * even and odd > len(start) // 20:
        return "utf-16-le"
    if even > 10 * odd and even > len(start) // 20:
        return "utf-16-be"
    return None


def guess_encoding(sample: bytes) -> str:
    """The most probable of ``LANGUAGES`` for bytes that are not UTF-8; always one that can decode them."""
    found = ((encoding, _decode(sample, encoding)) for encoding in LANGUAGES)
    scores = {encoding: _score(text, LANGUAGES[encoding]) for encoding, text in found if text is not None}
    return max(scores, key=lambda encoding: scores[encoding])  # the first of equals


def _decode(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _score(text: str, languages: Iterable[str]) -> float:
    letters = Counter(character for character in text if character > "\x7f")
    pairs = Counter(pairwise(text))
    bad = sum(count for (left, right), count in pairs.items() if _is_bad_pair(left, right))
    best = max(
        prior + sum(count * model.get(letter, _rest(letter)) for letter, count in letters.items())
        for language in languages
        for prior, model in _models(language)
    )
    return best + bad * BAD_PAIR


def _is_bad_pair(left: str, right: str) -> bool:
    if (left <= "\x7f" and right <= "\x7f") or not (left.isalpha() and right.isalpha()):
        return False
    return (left.islower() and right.isupper()) or (left >= "\u0370") != (right >= "\u0370")


def _rest(letter: str) -> float:
    if letter in SIGNS:
        return SIGN
    return CONTROL if letter < "\xa0" else FOREIGN


@cache
def _models(language: str) -> tuple[tuple[float, Mapping[str, float]], ...]:
    """Of ordinary text, and of text in capitals: a log probability for every letter."""
    return tuple((index * RARER, dict(_weigh(language, share))) for index, share in enumerate(CAPITALS))


def _weigh(language: str, capitals: float) -> Iterator[tuple[str, float]]:
    whole = sum(1 / rank for rank in range(1, len(language) + 1))
    for rank, letter in enumerate(language, 1):
        share = 0.9 / (rank * whole)
        capital = letter.upper() if len(letter.upper()) == 1 else letter
        yield capital, log(share * capitals)
        yield letter, log(share * (1 - capitals) if capital != letter else share)
