"""The words of activity: a fact as a door hands it over, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from contacts.identity.types import EVENT, Outcome
from contacts.records import Problem

__all__ = [
    "MOBILE_EVENT",
    "WEB_EVENT",
    "EventOutcome",
    "EventStatus",
    "NewEvent",
    "NewOrder",
    "OrderOutcome",
    "OrderStatus",
]

WEB_EVENT: Final = replace(EVENT, tracking="web", source="web")
"""Events of the web tracker: a cookie that nobody has is a visitor (L15)."""
MOBILE_EVENT: Final = replace(EVENT, tracking="mobile", source="mobile")
"""Events of an app."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event to be recorded.

    ``type`` is the key of its event type. ``contact`` is a raw record, as ``resolve`` reads it: whose event it is.
    ``key`` is the sender's own name for it. ``occurred_at`` is when it happened, now unless given. ``once``: if an
    event of this type and key came before, this one is accepted and not stored again; it needs a key.
    """

    type: str
    contact: Mapping[str, Any]
    key: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One order to be recorded; a number that is known updates that order.

    ``contact`` is a raw record, as ``resolve`` reads it. ``items`` and ``details`` stay as they are when None.
    """

    number: str
    contact: Mapping[str, Any]
    status: str
    total_cost: Decimal | int | float | str
    currency: str
    ordered_at: datetime
    items: Sequence[Mapping[str, Any]] | None = None
    details: Mapping[str, Any] | None = None
    source: str = ""


class EventStatus(StrEnum):
    """How an event ended.

    ``KEPT``: nobody has what it names yet; it joins whoever gets it. ``REPEATED``: it came before, and once is enough.
    """

    RECORDED = "recorded"
    KEPT = "kept"
    REPEATED = "repeated"
    FAILED = "failed"


class OrderStatus(StrEnum):
    """How an order ended."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(slots=True)
class EventOutcome:
    """What became of one event, and why.

    ``contact_id`` is whom it was recorded on: a contact, or a visitor's number (``is_visitor``). ``code``, ``message``
    and ``column`` are set on failed ones. ``identity`` explains how the contact was found; None where nobody was looked
    for.
    """

    status: EventStatus
    contact_id: int | None = None
    is_visitor: bool = False
    code: str = ""
    message: str = ""
    column: str = ""
    identity: Outcome | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the sender is done with it."""
        return self.status != EventStatus.FAILED


@dataclass(slots=True)
class OrderOutcome:
    """What became of one order, and why; ``contact_id`` is whose order it is. See ``EventOutcome``."""

    status: OrderStatus
    contact_id: int | None = None
    code: str = ""
    message: str = ""
    column: str = ""
    warnings: list[Problem] = field(default_factory=list)
    identity: Outcome | None = None
