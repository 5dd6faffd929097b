"""Why a target is not kept as somebody wrote it."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = ["ClaimLost", "NoKinds", "UnknownColumn", "UnknownKind"]


class NoKinds(CardfileError):
    """Nothing is sent to this address. Choose at least one kind of change."""

    code = "no_kinds"


class UnknownKind(CardfileError):
    """There is no such kind of change. Choose from the list."""

    code = "unknown_kind"


class UnknownColumn(CardfileError):
    """There is no such column. Choose from the list."""

    code = "unknown_column"


class ClaimLost(CardfileError):
    """Somebody else delivers to this address by now. Nothing is to be done."""

    code = "claim_lost"
