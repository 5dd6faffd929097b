"""The words of resolution: what a caller chooses (``Plan``), what comes out (``Outcome``). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from contacts.records import Problem


class Mode(StrEnum):
    """What a caller allows (L9). ``DELETE``: whoever a record finds is deleted, and takes over nothing."""

    UPSERT = "upsert"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Status(StrEnum):
    """How a record ended."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    DELETED = "deleted"
    VISITOR = "visitor"
    SKIPPED = "skipped"
    FAILED = "failed"


class Step(NamedTuple):
    """One value that was looked up and what came of it: the explanation of a match, in order."""

    kind: str
    value: str
    contact_ids: tuple[int, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How records are to be resolved: what the caller chose, and which door it came through.

    ``key``: a key of ``keys.KEYS`` or the key of a custom field. ``bulk``: a bulk call or an import (L2, L6a, L16, T9).
    ``empty_values_clear``: present and empty clears (T10). ``fill_blanks_only``: nothing that is there is overwritten,
    ``keep_columns``: nothing in these columns. ``keep_channels``, ``unconfirmed``: as subscribe does (T8, T11).
    ``tracking``: '' for a trusted door, else 'web', 'mobile' or 'event' (policy). ``activity``: an order, event or
    purchase, that takes over identifiers only (L17). ``may_restore``: whether a deleted contact comes back.
    ``may_create``: whether an unknown contact is made at all; ``needs_permanent``: only one that names an external ID,
    email or phone. ``person``: somebody edits the sheet (T10, T12, L16).
    """

    key: str = "default"
    mode: Mode = Mode.UPSERT
    source: str = "api"
    bulk: bool = False
    restore_deleted: bool = False
    replace_external_id: bool = False
    empty_values_clear: bool = False
    fill_blanks_only: bool = False
    keep_columns: frozenset[str] = frozenset()
    keep_channels: bool = False
    unconfirmed: bool = False
    tracking: str = ""
    activity: bool = False
    may_restore: bool = True
    may_create: bool = True
    needs_permanent: bool = False
    person: bool = False
    import_id: int | None = None


API = Plan()
API_BULK = Plan(bulk=True)
IMPORT = Plan(bulk=True, source="import")
SHEET = Plan(person=True, source="sheet", empty_values_clear=True)
SUBSCRIBE = Plan(keep_channels=True, unconfirmed=True)
WEB = Plan(tracking="web", source="web")
MOBILE = Plan(tracking="mobile", source="mobile")
DEVICE = Plan(tracking="mobile", source="mobile", may_restore=False)
ORDER = Plan(activity=True, may_restore=False, source="order")
EVENT = Plan(activity=True, may_restore=False, source="event", tracking="event", needs_permanent=True)
PURCHASE = Plan(activity=True, may_restore=False, source="order", may_create=False)


class Place(NamedTuple):
    """Whom a fact is recorded on; ``is_visitor`` where the number has no contact."""

    contact_id: int
    is_visitor: bool


@dataclass(slots=True)
class Outcome:
    """What became of one record, and why.

    ``code`` and ``message`` are set on skipped and failed records; ``column`` names the field, ``other_id`` the contact
    that stands in the way. ``merged`` are contacts that were merged into this one, ``migrated`` identifiers that came
    from another: (kind, value, contact id). In a dry run whoever would be created has a number below zero. ``place`` is
    where activity that the record brings belongs once its whole batch is written; None where there is nobody.
    """

    ref: Any
    status: Status
    contact_id: int | None = None
    matched_by: str = ""
    rule: str = ""
    steps: list[Step] = field(default_factory=list)
    code: str = ""
    message: str = ""
    column: str = ""
    other_id: int | None = None
    problems: tuple[Problem, ...] = ()
    warnings: list[Problem] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)
    migrated: list[tuple[str, str, int]] = field(default_factory=list)
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """The identity policy as the rules read it; defaults are the Standard preset."""

    external_id_max_length: int = 100
    tracking_may_set_external_id: bool = True
    external_id_attaches_to_found: bool = True
    tracking_may_replace_channels: bool = True
    merge_anonymous: bool = True
    external_ids_may_share_channels: bool = True
    anonymous_erased_after_days: int | None = None
    visitors_erased_after_days: int | None = 90


STANDARD = PolicyRules()
STRICT = PolicyRules(
    external_id_max_length=50,
    tracking_may_set_external_id=False,
    external_id_attaches_to_found=False,
    tracking_may_replace_channels=False,
    external_ids_may_share_channels=False,
    anonymous_erased_after_days=90,
)
