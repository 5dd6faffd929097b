"""The operators of identifier kinds, consents, segments, imports and random shares (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from segments.conditions.operators.operator import Arity, Operand, Operator, by_key, gettext_noop, opposite
from segments.conditions.sampling import Share, highest_hash, seed_number
from segments.conditions.sql import Clause, among, negate, render

__all__ = ["CONSENTS", "IDENTIFIERS", "IMPORTS", "RANDOM", "ROWS", "SEGMENTS"]

_ = gettext_noop


# Identifiers


def _has(operand: Operand) -> Clause:
    return operand.value


IDENTIFIERS: Final[Mapping[str, Operator]] = by_key(
    Operator("has", _("has"), _("has {field}"), Arity.NONE, _has),
    Operator("has_none", _("has no"), _("has no {field}"), Arity.NONE, opposite(_has), holds_when_not_set=True),
)

ROWS: Final[Mapping[str, Operator]] = by_key(
    Operator("did", _("did"), _("has {field}"), Arity.NONE, _has),
    Operator("did_not", _("did not"), _("has no {field}"), Arity.NONE, opposite(_has), holds_when_not_set=True),
)
"""Of rows that belong to contacts: whether there are any."""


# Consents: the value of the field is yes (granted), no (refused), or not set


def _is_granted(operand: Operand) -> Clause:
    return _answered(operand, "AND consent.granted")


def _is_refused(operand: Operand) -> Clause:
    return _answered(operand, "AND NOT consent.granted")


def _is_unknown(operand: Operand) -> Clause:
    return negate(_answered(operand, ""))


def _answered(operand: Operand, how: str) -> Clause:
    select = "SELECT consent.contact_id FROM contacts_consent consent WHERE consent.category = {} "
    return among(render(select + how, operand.field.category))


CONSENTS: Final[Mapping[str, Operator]] = by_key(
    Operator("granted", _("was given"), _("{field} was given"), Arity.NONE, _is_granted),
    Operator("refused", _("was refused"), _("{field} was refused"), Arity.NONE, _is_refused),
    Operator("none", _("is unknown"), _("{field} is unknown"), Arity.NONE, _is_unknown, holds_when_not_set=True),
)


# Segments


def _in_segment(operand: Operand) -> Clause:
    return operand.context.compile_segment(operand.first)


SEGMENTS: Final[Mapping[str, Operator]] = by_key(
    Operator("in", _("is in"), _("is in segment {value}"), Arity.ONE, _in_segment),
    Operator(
        "not_in",
        _("is not in"),
        _("is not in segment {value}"),
        Arity.ONE,
        opposite(_in_segment),
        holds_when_not_set=True,
    ),
)


# Imports

_TOUCHED: Final = """SELECT change.contact_id FROM contacts_change change WHERE {condition}
UNION ALL SELECT merged.merged_into_id FROM contacts_contact merged JOIN contacts_change change
ON change.contact_id = merged.id WHERE merged.merged_into_id IS NOT NULL AND {condition}"""
"""The journal of who was merged stays with the tombstone; the survivor stands for it."""


def _touched_by(operand: Operand) -> Clause:
    select = _TOUCHED.replace("{condition}", "change.import_id = {}")
    return among(render(select, operand.first, operand.first))


def _touched_by_any(operand: Operand) -> Clause:
    return among(Clause(_TOUCHED.replace("{condition}", "change.import_id IS NOT NULL")))


def _created_by(operand: Operand) -> Clause:
    select = (
        "SELECT change.contact_id FROM contacts_change change WHERE change.import_id = {} AND change.kind = 'created'"
    )
    return among(render(select, operand.first))


IMPORTS: Final[Mapping[str, Operator]] = by_key(
    Operator("touched_by", _("was touched by"), _("was touched by import {value}"), Arity.ONE, _touched_by),
    Operator("created_by", _("was created by"), _("was created by import {value}"), Arity.ONE, _created_by),
    Operator("touched_by_any", _("was touched by any"), _("was touched by an import"), Arity.NONE, _touched_by_any),
)


# Random shares


def _in_percent(operand: Operand) -> Clause:
    """The database's own hash, which is the same on every machine and the fastest there is."""
    share = operand.first
    if not isinstance(share, Share):
        raise TypeError(f"{share!r} is not a share.")
    return render(
        "hashint8extended(@contact.id, CAST({} AS bigint)) <= CAST({} AS bigint)",
        seed_number(share.seed),
        highest_hash(share.percent),
    )


RANDOM: Final[Mapping[str, Operator]] = by_key(
    Operator(
        "in_percent",
        _("is among"),
        _("is among {value} of all, drawn at random"),
        Arity.ONE,
        _in_percent,
        hint=_("The same word draws the same contacts, another word others."),
    ),
)
