"""What an import does beside the contacts' own columns: segments, consents, an event for whoever is new.

All of it is written in the transaction that writes the rows, so that it happens exactly once, and what an undo could
not find by the contact or the journal is noted as an ``ImportEffect``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from django.db import connection

from contacts import populations
from contacts.activity import note_events
from contacts.activity.categories import note_categories
from contacts.activity.confirmations import ask_for_confirmations
from contacts.activity.rows import insert_rows
from contacts.identity import Outcome, Status
from contacts.identity.load import open_cursor
from contacts.imports.plan import Options
from contacts.models import Contact, EffectKind

__all__ = ["Effects", "event_key"]

REACHED: Final = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED, Status.RESTORED})
"""Rows that found or made somebody, who still is there afterwards."""
EFFECT_COLUMNS: Final = ("import_id", "contact_id", "kind", "population", "category", "before", "after")

Row = tuple[Any, ...]


def event_key(import_id: int) -> str:
    """The key of the events that an import records, by which an undo finds them."""
    return f"import:{import_id}"


class Effects:
    """Writes the effects of one import, a batch at a time. ``consent_by_column``: rows say themselves who agrees."""

    def __init__(self, import_id: int, options: Options, *, consent_by_column: bool) -> None:
        self.import_id = import_id
        self.options = options
        self.consent_by_column = consent_by_column
        self.by = f"import:{import_id}"

    @property
    def are_none(self) -> bool:
        options = self.options
        asked = options.add_to_segments, options.remove_from_segments, options.event_for_new, options.consent
        return not (any(asked) or options.confirm_emails)

    def write(self, outcomes: Sequence[Outcome], consents: Mapping[Any, bool], emails: Mapping[Any, str]) -> None:
        """Within the transaction of these outcomes; ``consents`` are those that rows said, ``emails`` those that they
        named, as they are compared, by their ref."""
        if self.are_none:
            return
        reached = [outcome for outcome in outcomes if outcome.status in REACHED and outcome.contact_id is not None]
        survivors = _survivors({outcome.contact_id for outcome in reached if outcome.contact_id is not None})
        ids = sorted(set(survivors.values()))
        if not ids:
            return
        rows = [*self.join(ids), *self.leave(ids)]
        if self.options.consent is not None:
            rows += self.consent(reached, survivors, consents)
        if self.options.confirm_emails:
            self.ask_to_confirm(reached, survivors, emails)
        self.record_events([outcome for outcome in reached if outcome.status == Status.CREATED], survivors)
        if rows:
            with closing(open_cursor()) as cursor:
                insert_rows(cursor, "contacts_importeffect", EFFECT_COLUMNS, rows)

    def join(self, ids: Sequence[int]) -> list[Row]:
        keeper = populations.current()
        return [
            self.effect(contact_id, EffectKind.JOINED, population=population)
            for population in self.options.add_to_segments
            for contact_id in keeper.join(population, ids, by=self.by)
        ]

    def leave(self, ids: Sequence[int]) -> list[Row]:
        keeper = populations.current()
        return [
            self.effect(row["contact_id"], EffectKind.LEFT, population=population, before=row)
            for population in self.options.remove_from_segments
            for row in keeper.leave(population, ids, by=self.by)
        ]

    def consent(self, reached: Sequence[Outcome], survivors: Mapping[int, int], said: Mapping[Any, bool]) -> list[Row]:
        """A column's yes or no counts for its row. Without one everybody agrees, but nobody who has withdrawn."""
        wanted: dict[int, tuple[bool, bool]] = {}
        for outcome in reached:
            contact_id = survivors.get(outcome.contact_id or 0)
            if contact_id is None:
                continue
            if outcome.ref in said:
                wanted[contact_id] = said[outcome.ref], True
            elif not self.consent_by_column:
                wanted.setdefault(contact_id, (True, False))
        return self.write_consents(wanted)

    def write_consents(self, wanted: Mapping[int, tuple[bool, bool]]) -> list[Row]:
        """By contact: granted or not, and whether the row itself says so. What stands there already stays."""
        given = self.options.consent or {}
        category, basis = given["category"].strip(), given["basis"].strip()
        basis = f"{basis}; {source}" if (source := given.get("source", "").strip()) else basis
        before = _read_consents(category, wanted)
        changed = {}
        for contact_id, (granted, is_said) in sorted(wanted.items()):
            old = before.get(contact_id)
            if old is None or (old["granted"] != granted and (is_said or not granted)):
                changed[contact_id] = {
                    "granted": granted,
                    "basis": basis,
                    "at": datetime.now(UTC).isoformat(),
                    "by": self.by,
                }
        if changed:
            note_categories([category])
        _write_consents(category, changed)
        return [
            self.effect(contact_id, EffectKind.CONSENT, category=category, before=before.get(contact_id), after=after)
            for contact_id, after in changed.items()
        ]

    def ask_to_confirm(
        self, reached: Sequence[Outcome], survivors: Mapping[int, int], emails: Mapping[Any, str]
    ) -> None:
        """Of two rows of one contact the later one's email counts."""
        named = {
            survivors[outcome.contact_id or 0]: emails[outcome.ref]
            for outcome in reached
            if outcome.ref in emails and outcome.contact_id in survivors
        }
        if named:
            ask_for_confirmations(named, import_id=self.import_id, at=datetime.now(UTC))

    def record_events(self, created: Sequence[Outcome], survivors: Mapping[int, int]) -> None:
        ids = {survivor for outcome in created if (survivor := survivors.get(outcome.contact_id or 0)) is not None}
        if self.options.event_for_new and ids:
            note_events(
                sorted(ids),
                self.options.event_for_new,
                key=event_key(self.import_id),
                source="import",
                at=datetime.now(UTC),
            )

    def effect(
        self,
        contact_id: int,
        kind: EffectKind,
        *,
        population: int | None = None,
        category: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Row:
        sides = [None if side is None else orjson.dumps(side).decode() for side in (before, after)]
        return (self.import_id, contact_id, kind.value, population, category, *sides)


def _survivors(ids: set[int]) -> dict[int, int]:
    """A row's contact may have been merged by a later row of its batch."""
    rows = Contact.objects.filter(pk__in=ids).values_list("pk", "merged_into")
    return {pk: survivor or pk for pk, survivor in rows}


def _read_consents(category: str, ids: Mapping[int, Any]) -> dict[int, dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, granted, basis, at, by FROM contacts_consent"
            " WHERE contact_id = ANY(%s) AND category = %s ORDER BY contact_id FOR UPDATE",
            [list(ids), category],
        )
        return {
            contact_id: {"granted": granted, "basis": basis, "at": at.isoformat(), "by": by}
            for contact_id, granted, basis, at, by in cursor.fetchall()
        }


def _write_consents(category: str, changed: Mapping[int, Mapping[str, Any]]) -> None:
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_consent (contact_id, category, granted, basis, at, by)"
            " SELECT new.contact_id, %s, new.granted, new.basis, new.at, new.by"
            " FROM unnest(%s::bigint[], %s::boolean[], %s::text[], %s::timestamptz[], %s::text[])"
            " AS new (contact_id, granted, basis, at, by)"
            " ON CONFLICT (contact_id, category) DO UPDATE"
            " SET granted = excluded.granted, basis = excluded.basis, at = excluded.at, by = excluded.by",
            [
                category,
                list(changed),
                *([row[name] for row in changed.values()] for name in ("granted", "basis", "at", "by")),
            ],
        )
