"""What a PostgreSQL server says, as a sentence that says what to do. The only place that knows its codes."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.exports.warehouse import errors

__all__ = ["ours", "told"]

Told = tuple[type[errors.TargetError], str]

BY_CODE: Final[dict[str, Told]] = {
    "28": (errors.TargetRefused, gettext_noop("The server there does not let us in. Check user and password.")),
    "3D": (errors.TargetGone, gettext_noop("There is no such database. Make it, or correct its name.")),
    "3F": (errors.TargetGone, gettext_noop("There is no such schema. Make it, or correct its name.")),
    "42501": (errors.RightsMissing, gettext_noop("A right is missing there. Let its administrator give it.")),
    "25006": (
        errors.RightsMissing,
        gettext_noop("This server can only be read, as a copy of another. Name the server that it copies."),
    ),
    "53100": (
        errors.TargetFull,
        gettext_noop("There is no room left on the target's disk. Make room; the next run goes on from here."),
    ),
    "53300": (
        errors.TargetUnreachable,
        gettext_noop("That server has too many connections. Free some, or let it have more."),
    ),
    "53": (
        errors.TargetFull,
        gettext_noop("The target has not enough memory or room. Give it more; the next run goes on from here."),
    ),
    "54": (errors.TargetChanged, gettext_noop("This is more than the target can hold in a row. Choose fewer columns.")),
    "55P03": (
        errors.TargetError,
        gettext_noop("Somebody there holds the table for too long. Let them finish; the next run tries again."),
    ),
    "40": (errors.TargetError, gettext_noop("Somebody there got in our way. The next run tries again.")),
    "57014": (
        errors.TargetError,
        gettext_noop("Somebody cancelled our work there, or it may not last that long. Allow it more time."),
    ),
    "57": (
        errors.TargetUnreachable,
        gettext_noop("That server is starting or stopping. The next run tries again."),
    ),
    "08": (
        errors.TargetUnreachable,
        gettext_noop("The connection broke off. Check the network; the next run goes on from here."),
    ),
    "58": (
        errors.TargetError,
        gettext_noop("The target's disk does not work. Let its administrator look."),
    ),
    "XX": (errors.TargetError, gettext_noop("The target is damaged. Let its administrator look.")),
    "42P01": (
        errors.TargetChanged,
        gettext_noop("A table of ours is not there any more. Start a full run, which makes it anew."),
    ),
    "42703": (
        errors.TargetChanged,
        gettext_noop("A column of ours is not there any more. Start a full run, which makes it anew."),
    ),
    "42P10": (
        errors.TargetChanged,
        gettext_noop("A table of ours has lost its key there. Start a full run, which makes it anew."),
    ),
    "22P05": (
        errors.TargetChanged,
        gettext_noop("That database cannot hold every letter. Name one whose encoding is UTF8."),
    ),
    "22": (
        errors.TargetChanged,
        gettext_noop("A column there does not hold what is sent any more. Widen it, or start a full run."),
    ),
    "23": (
        errors.TargetChanged,
        gettext_noop("Something that was added to a table there refuses our rows. Take it away, or start a full run."),
    ),
    "42": (
        errors.TargetChanged,
        gettext_noop("A table there is not as it was made. Mend it, or start a full run, which makes it anew."),
    ),
    "2BP01": (
        errors.TargetChanged,
        gettext_noop("Something there hangs from a table of ours. Let its administrator look."),
    ),
}
"""By SQLSTATE or its class; the longest that fits counts."""

AT_THE_DOOR: Final[tuple[tuple[str, Told], ...]] = (
    (r"password authentication|no password supplied|authentication failed|pg_hba\.conf", BY_CODE["28"]),
    (r"role .* (does not exist|is not permitted)", BY_CODE["28"]),
    (r"database .* does not exist", BY_CODE["3D"]),
    (r"permission denied for database", BY_CODE["42501"]),
    (
        r"does not support SSL",
        (
            errors.TargetUnreachable,
            gettext_noop("That server speaks no TLS. Turn it on there, or choose “disable” in a network you trust."),
        ),
    ),
    (
        r"certificate|SSL error",
        (
            errors.TargetUnreachable,
            gettext_noop("That server's certificate is not to be trusted. Mend it, or name its authority."),
        ),
    ),
    (
        r"resolve host|translate host name|Name or service",
        (errors.TargetUnreachable, gettext_noop("There is no server of that name. Correct the address.")),
    ),
    (
        r"too many clients|connection slots|too many connections",
        BY_CODE["53300"],
    ),
    (r"starting up|shutting down|recovery mode|not (yet )?accepting", BY_CODE["57"]),
    (
        r"timeout|timed out",
        (
            errors.TargetUnreachable,
            gettext_noop("That server does not answer. Check its address, and whether its network lets us in."),
        ),
    ),
    (
        r"refused|No such file|No route|unreachable",
        (
            errors.TargetUnreachable,
            gettext_noop("Nothing answers there. Check address and port, and whether the server runs."),
        ),
    ),
)
"""Whoever is not let in gets words and no code."""

UNTOLD: Final[Told] = (errors.TargetError, gettext_noop("The target does not do what it is asked to."))
LONGEST: Final = 300
SHOWS_VALUES: Final = ("22", "23")
"""What the server says of these may quote a contact."""


class OursFailed(Exception):
    """Our own database failed while it was read: none of the target's faults."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def told(*, entering: bool = False) -> Generator[None, None, None]:
    """Whatever goes wrong at the target is a ``TargetError``; what goes wrong here stays what it is."""
    try:
        yield
    except OursFailed as failed:
        raise failed.error from None
    except psycopg.Error as error:
        raise tell(error, entering=entering) from error


def ours(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of our rows, such that ``told`` knows whose error it was."""
    try:
        yield from blocks
    except psycopg.Error as error:
        raise OursFailed(error) from error


def tell(error: psycopg.Error, *, entering: bool) -> errors.TargetError:
    """The sentence, and after it the server's own words."""
    code = error.sqlstate or ""
    kind, sentence = _by_words(str(error)) if entering and not code else _by_code(code)
    said = "" if code.startswith(SHOWS_VALUES) else _first_line(error)
    if not said:
        return kind(_(sentence))
    return kind(_("{sentence} The server says: “{said}”.").format(sentence=_(sentence), said=said))


def _by_code(code: str) -> Told:
    if not code:  # the connection is gone, and with it whoever could have said why
        return BY_CODE["08"]
    return BY_CODE.get(code) or BY_CODE.get(code[:2]) or UNTOLD


def _by_words(said: str) -> Told:
    for pattern, answer in AT_THE_DOOR:
        if re.search(pattern, said, re.IGNORECASE):
            return answer
    return errors.TargetUnreachable, gettext_noop("The target cannot be reached. Check its address.")


def _first_line(error: psycopg.Error) -> str:
    lines = (error.diag.message_primary or str(error)).strip().splitlines()
    said = lines[-1] if lines and error.diag.message_primary is None else "".join(lines[:1])
    return said.strip().rstrip(".")[:LONGEST]
