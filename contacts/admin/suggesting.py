"""What is suggested for a case, in the words of people."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.utils.translation import gettext_lazy

from contacts.admin.wording import KINDS, word
from contacts.identity.suggestions import Advice, Level, Sign
from contacts.models import NAME_KIND, DuplicateCase

__all__ = ["LEVELS", "Hint", "Suggested", "name_kind", "name_shared", "put_in_words"]

LEVELS: Final[dict[int, tuple[Any, str]]] = {
    Level.CLEAR: (gettext_lazy("Clearly one person"), "good"),
    Level.LIKELY: (gettext_lazy("Probably one person"), "likely"),
    Level.UNSURE: (gettext_lazy("Hard to say"), "dim"),
    Level.UNLIKELY: (gettext_lazy("Probably not one person"), "warn"),
}
"""Level → (words, tone); the tones are classes of ``static/contacts/merging.css``."""

FOR, AGAINST, NEUTRAL = "+", "−", "·"
SIGNS: Final[dict[Sign, tuple[str, Any]]] = {
    Sign.SAME_EMAIL: (FOR, gettext_lazy("the same email")),
    Sign.SAME_PHONE: (FOR, gettext_lazy("the same phone")),
    Sign.SAME_NAME: (FOR, gettext_lazy("the same name")),
    Sign.SAME_BIRTHDAY: (FOR, gettext_lazy("the same birthday")),
    Sign.NAME_FITS: (FOR, gettext_lazy("the names fit")),
    Sign.NAME_MISSING: (NEUTRAL, gettext_lazy("a name is missing")),
    Sign.ONE_EXTERNAL_ID: (NEUTRAL, gettext_lazy("only one has an external ID")),
    Sign.OTHER_NAME: (AGAINST, gettext_lazy("different names")),
    Sign.OTHER_BIRTHDAY: (AGAINST, gettext_lazy("different birthdays")),
    Sign.OTHER_EXTERNAL_ID: (AGAINST, gettext_lazy("different external IDs")),
    Sign.ONE_DELETED: (AGAINST, gettext_lazy("one of them was deleted")),
    Sign.NOTHING_SHARED: (AGAINST, gettext_lazy("no email, phone, or name with birthday in common now")),
    Sign.TOO_MANY: (AGAINST, gettext_lazy("too many share it to mean one person")),
    Sign.ALONE: (AGAINST, gettext_lazy("nobody else is left in this case")),
}


class Hint(NamedTuple):
    """One reason: whether it speaks for one person (+) or against it (−)."""

    mark: str
    words: str

    @property
    def tone(self) -> str:
        return {FOR: "good", AGAINST: "bad"}.get(self.mark, "dim")


class Suggested(NamedTuple):
    """A suggestion as it is shown."""

    level: int
    words: str
    tone: str
    hints: list[Hint]
    survivor_id: int | None


def put_in_words(advice: Advice) -> Suggested:
    """The level and its reasons."""
    words, tone = LEVELS[advice.level]
    hints = [Hint(SIGNS[sign][0], str(SIGNS[sign][1])) for sign in advice.signs]
    return Suggested(int(advice.level), str(words), tone, hints, advice.survivor_id)


def name_shared(case: DuplicateCase) -> str:
    """What kind of value the contacts of a case share."""
    return name_kind(case.kind)


def name_kind(kind: int) -> str:
    return str(gettext_lazy("Name and birthday")) if kind == NAME_KIND else word(KINDS, kind)
