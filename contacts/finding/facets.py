"""What many contacts have in common, and one index over it: source, states and which values are there at all.

Each contact has a facet: its source and a number that packs the rest. There are some hundred facets whatever the number
of contacts, and the index (migration 0013) has each one's contacts in the order of their last change. So whoever asks
for any of these conditions together, common or rare, is answered from the few facets that match, without a guess of
the planner in between: the newest of each, and of those the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from contacts.keys import Kind
from contacts.models import ChannelState, ContactState

__all__ = ["CODE_SQL", "FACETED", "FIND_SQL", "Bits"]

TOKENS: Final = {kind.slug: 1 << kind for kind in (Kind.MOBILE_PUSH, Kind.WEB_PUSH, Kind.TELEGRAM)}

CODE_SQL: Final = (
    "({c}state + coalesce({c}email_state, 0) * 8 + coalesce({c}phone_state, 0) * 64"
    " + CASE WHEN {c}external_id IS NULL THEN 0 ELSE 512 END + CASE WHEN {c}email IS NULL THEN 0 ELSE 1024 END"
    " + CASE WHEN {c}phone IS NULL THEN 0 ELSE 2048 END + ({c}identifier_kinds & 896) * 32)"
)
"""The number of a contact's facet; ``{c}`` is its table with a dot, or nothing. The index has the same words."""

STATE: Final = (0, 7)
EMAIL_STATE: Final = (3, 7)
PHONE_STATE: Final = (6, 7)
HAS: Final = {"external_id": 512, "email": 1024, "phone": 2048, **{slug: bit * 32 for slug, bit in TOKENS.items()}}

MOST_FACETS: Final = 4_000

FIND_SQL: Final = f"""
WITH RECURSIVE facets (source, code) AS (
    (SELECT c.source, {CODE_SQL.format(c="c.")} FROM contacts_contact c ORDER BY 1, 2 LIMIT 1)
    UNION ALL
    SELECT next.source, next.code FROM facets, LATERAL (
        SELECT c.source, {CODE_SQL.format(c="c.")} AS code FROM contacts_contact c
        WHERE (c.source, {CODE_SQL.format(c="c.")}) > (facets.source, facets.code) ORDER BY 1, 2 LIMIT 1
    ) AS next
), matching AS (SELECT source, code FROM (SELECT * FROM facets LIMIT {MOST_FACETS}) AS facets WHERE {{condition}})
SELECT found.id FROM matching, LATERAL (
    SELECT c.id, c.updated_at FROM contacts_contact c
    WHERE c.source = matching.source AND {CODE_SQL.format(c="c.")} = matching.code {{bounds}}
    ORDER BY c.updated_at {{order}}, c.id {{order}} LIMIT %(limit)s
) AS found ORDER BY found.updated_at {{order}}, found.id {{order}} LIMIT %(limit)s
"""
"""A walk along the index from one facet to the next, then the first of each that matches, then the first of these."""


class Bits(NamedTuple):
    """A condition on facets: SQL over ``source`` and ``code``, and its parameters by name."""

    sql: str
    params: Mapping[str, Any]


Pack = Callable[[str, list[str]], Bits]


def _among(place: tuple[int, int], numbers: Mapping[str, Iterable[int]]) -> Pack:
    shift, mask = place

    def pack(name: str, values: list[str]) -> Bits:
        wanted = sorted({number for value in values for number in numbers.get(value, ())})
        return Bits(f"((code >> {shift}) & {mask}) = ANY(%({name})s)", {name: wanted})

    return pack


def _has(column: str) -> Pack:
    def pack(name: str, values: list[str]) -> Bits:
        wanted = sorted({0 if value == "no" else HAS[column] for value in values if value in ("yes", "no")})
        return Bits(f"(code & {HAS[column]}) = ANY(%({name})s)", {name: wanted})

    return pack


def _any_channel(name: str, values: list[str]) -> Bits:
    mask = sum({HAS[value] for value in values if value in HAS and value != "external_id"})
    return Bits(f"(code & %({name})s) <> 0", {name: mask})


def _source(name: str, values: list[str]) -> Bits:
    return Bits(f"source = ANY(%({name})s)", {name: values})


_CHANNEL_STATES: Final = {state.name.lower(): (int(state),) for state in ChannelState}
_STATES: Final = {
    "active": (int(ContactState.ACTIVE),),
    "deleted": (int(ContactState.DELETED),),
    "all": (int(ContactState.ACTIVE), int(ContactState.DELETED)),
}
FACETED: Final[Mapping[str, Pack]] = {
    "state": _among(STATE, _STATES),
    "email_state": _among(EMAIL_STATE, _CHANNEL_STATES),
    "phone_state": _among(PHONE_STATE, _CHANNEL_STATES),
    **{f"has_{column}": _has(column) for column in ("external_id", "email", "phone")},
    "channel": _any_channel,
    "source": _source,
}
"""The conditions of ``contacts.filters`` that facets answer, by name; a test holds both to mean the same."""
