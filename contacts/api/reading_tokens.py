"""Which token is meant: found by its text, with or without the app it is a token of. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from contacts.keys import Kind
from contacts.models import Contact, ContactState, Identifier
from contacts.normalize import compare_form, is_encodable

__all__ = ["Token", "find_push_tokens", "find_token", "find_tokens"]

TOKEN_KINDS: Final = (Kind.MOBILE_PUSH, Kind.TELEGRAM, Kind.WEB_PUSH)
"""What a token of an app may be; of equal ones the first counts."""
PUSH_KINDS: Final = (Kind.MOBILE_PUSH, Kind.WEB_PUSH)


class Token(NamedTuple):
    """A token that an active contact has."""

    kind: Kind
    app: str
    contact_id: int
    details: dict[str, Any]


def find_token(app: str, value: str) -> Token | None:
    """The token of this app, whatever kind it is of."""
    return find_tokens(app, [value]).get(value)


def find_tokens(app: str, values: Collection[str]) -> dict[str, Token]:
    """The tokens of this app by their text."""
    rows = [row for row in read_rows(values, TOKEN_KINDS) if row.app == app.strip()]
    return by_text(values, sorted(rows, key=lambda row: TOKEN_KINDS.index(Kind(row.kind)), reverse=True))


def find_push_tokens(values: Collection[str]) -> dict[str, Token]:
    """Push tokens by their text, of whatever app; of several equal ones the one seen last."""
    return by_text(values, sorted(read_rows(values, PUSH_KINDS), key=lambda row: row.last_seen_at))


def by_text(values: Collection[str], rows: Sequence[Identifier]) -> dict[str, Token]:
    """Of equal rows the last one."""
    tokens = {row.value: Token(Kind(row.kind), row.app, row.contact_id, row.details or {}) for row in rows}
    found = {value: tokens.get(compared(value)) for value in values if is_storable(value)}
    return {value: token for value, token in found.items() if token is not None}


def read_rows(values: Iterable[str], kinds: Collection[Kind]) -> list[Identifier]:
    """Those of active contacts: the values first, then their owners."""
    wanted = {compared(value) for value in values if is_storable(value)}
    if not wanted:
        return []
    rows = list(Identifier.objects.filter(value__in=wanted, kind__in=kinds))
    owners = Contact.objects.filter(pk__in={row.contact_id for row in rows}, state=ContactState.ACTIVE)
    active = set(owners.values_list("pk", flat=True))
    return [row for row in rows if row.contact_id in active]


def compared(value: str) -> str:
    """The form is the same for every kind and app."""
    return compare_form(Kind.MOBILE_PUSH, "", value.strip())[2]


def is_storable(value: str) -> bool:
    """What is not, nobody can have."""
    return "\0" not in value and is_encodable(value)
