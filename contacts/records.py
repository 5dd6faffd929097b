"""One record as it is resolved: normalised, nothing in it is compared or written in any other form (pure)."""

from __future__ import annotations

from typing import Any, NamedTuple

from contacts.keys import Kind

__all__ = ["Key", "Problem", "Record"]

Key = tuple[int, str, str]
"""An identifier as it is compared: (kind, app, value)."""


class Problem(NamedTuple):
    """What is wrong with one field of a record: ``code`` for programs, ``message`` for people."""

    column: str
    code: str
    message: str


class Record:
    """One record after normalisation; nothing in it is compared or written in any other form.

    ``ref`` is the caller's own name for it (a row number, a path). ``identifiers`` are the carried keys in look-up
    order. ``shown`` maps a key to the value as it was written, where that differs. ``fields`` are values to write by
    column, ``attributes`` custom fields by key; ``cleared`` the columns that are present and empty (T10). ``consent``
    is what it says of consent, if anything; nothing is decided by it.
    """

    __slots__ = (
        "attributes",
        "cleared",
        "consent",
        "contact_id",
        "details",
        "email",
        "external_id",
        "fields",
        "identifiers",
        "phone",
        "problems",
        "ref",
        "warnings",
    )

    def __init__(
        self,
        ref: Any = None,
        contact_id: int | None = None,
        external_id: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        identifiers: tuple[Key, ...] = (),
        details: dict[Key, dict[str, Any]] | None = None,
        fields: dict[str, Any] | None = None,
        attributes: dict[str, Any] | None = None,
        cleared: tuple[str, ...] = (),
        problems: tuple[Problem, ...] = (),
        warnings: tuple[Problem, ...] = (),
        consent: bool | None = None,
    ) -> None:
        self.ref = ref
        self.contact_id = contact_id
        self.external_id = external_id
        self.email = email
        self.phone = phone
        self.identifiers = identifiers
        self.details = details
        self.fields = fields or {}
        self.attributes = attributes or {}
        self.cleared = cleared
        self.problems = problems
        self.warnings = warnings
        self.consent = consent

    def key_of(self, kind: Kind, app: str = "") -> Key | None:
        """The first carried key of ``kind`` (and ``app``), if any."""
        return next((key for key in self.identifiers if key[0] == kind and key[1] == app), None)
