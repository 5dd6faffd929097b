"""A sheaf through its transaction: plain rows by columns, the rest by the rules, written together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg
from django.db import transaction

from contacts import populations
from contacts.identity import load
from contacts.identity.numbers import draw_numbers
from contacts.identity.plain import Outcomes, Plain, judge, takes_plain, unknown_rows
from contacts.identity.plain_rows import render_plain
from contacts.identity.resolve import Batch, RawRecord, Wanted, Within
from contacts.identity.settings import Settings, current_settings, read_settings
from contacts.identity.types import Mode, Outcome, Plan
from contacts.identity.world import World
from contacts.identity.write import Rendered, render_world, run_statements, send_signals, write_world
from contacts.records import Record
from contacts.sheaf import Sheaf

__all__ = ["Ahead", "Decided", "SheafBatch", "TouchedBefore"]

MAX_DEMOTIONS: Final = 8
"""Rounds in which plain rows turn out to meet the others; then none is plain."""


class Decided(NamedTuple):
    """What a sheaf comes to: its plain rows, and the world of the rest (None: there is no rest)."""

    plain: Plain
    world: World | None
    outcomes: Outcomes
    moment: datetime

    @property
    def has_effects(self) -> bool:
        return self.plain.has_effects or (self.world is not None and self.world.has_effects)

    @property
    def plain_ids(self) -> set[int]:
        """The contacts whose plain fields change."""
        return {update.contact_id for update in self.plain.updated}

    @property
    def touched_ids(self) -> set[int]:
        """The contacts that may look different once this is written."""
        return self.plain_ids.union(self.world.rows if self.world is not None else ())

    def check_done_with(self, sheaf: Sheaf) -> None:
        """Raises TouchedBefore where the next sheaf cannot be laid over this one."""
        world = self.world
        if sheaf.meeting and not self.is_by_rules:
            raise TouchedBefore
        if world is not None and (world.is_tangled or world.merges or world.claims):
            raise TouchedBefore

    @property
    def is_by_rules(self) -> bool:
        """Whether the world alone holds every effect."""
        return not self.plain.has_effects


class Ahead(NamedTuple):
    """A sheaf decided ahead: it holds if nobody but us wrote since turn ``after``."""

    decided: Decided
    rendered: list[Rendered]
    settings: Settings
    after: int


class TouchedBefore(Exception):
    """The sheaf meets what the one before it is writing: it has to wait for that."""


class SheafBatch(Batch):
    """A batch whose records were prepared.

    ``ahead`` is what was decided while the sheaf before was written; ``hand_over`` is called with what this one comes
    to and its turn, once the gate is closed.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        by: str,
        moment: datetime,
        within: Within | None = None,
        hand_over: Callable[[Decided, int], None] | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        super().__init__(plan, by=by, moment=moment, within=within)
        self.hand_over = hand_over
        self.ahead = ahead
        self.drawn: list[int] = []

    def run_locked(self, raw: Sequence[RawRecord | Record]) -> Sequence[Outcome]:
        if not isinstance(raw, Sheaf):  # half of one that the database refused
            return super().run_locked(raw)
        ahead, self.ahead = self.ahead, None
        with transaction.atomic(), closing(load.open_cursor()) as cursor:
            decided, rendered = self.settle(cursor, raw, ahead)
            for statements in rendered:
                run_statements(cursor, statements)
            self.write_rest(cursor, decided, len(rendered))
            if self.within is not None:
                self.within(decided.outcomes)
        return decided.outcomes

    def settle(self, cursor: psycopg.Cursor[Any], sheaf: Sheaf, ahead: Ahead | None) -> tuple[Decided, list[Rendered]]:
        """Close the gate; take what was decided ahead if nobody came in between, else decide now."""
        settings = current_settings()
        locked = load.lock_values(cursor, (), everything=True)
        load.prefer_indexes(cursor)
        if locked.settings_version != settings.version:
            settings, ahead = read_settings(), None
        if ahead is not None and locked.turn == ahead.after + 1 and ahead.settings is settings:
            decided, rendered = ahead.decided, ahead.rendered
        else:
            decided = self.decide_sheaf(cursor, sheaf, settings)
            rendered = self.render(sheaf, decided)
        self.has_effects = decided.has_effects
        if self.hand_over is not None:
            self.hand_over(decided, locked.turn)
        return decided, rendered

    def write_rest(self, cursor: psycopg.Cursor[Any], decided: Decided, rendered: int) -> None:
        world, plain = decided.world, decided.plain
        if world is not None:
            if rendered < 2:  # merges and claims ask the database on the way
                write_world(cursor, world, self.cause, together=False)
            send_signals(world)
        changed = [*plain.created_ids, *(update.contact_id for update in plain.updated)]
        if changed:
            populations.contacts_changed.send(sender=None, contact_ids=changed, at=decided.moment)

    def render(self, sheaf: Sheaf, decided: Decided) -> list[Rendered]:
        """The statements of the plain rows, and those of the rest where they need no answer on the way."""
        rendered = [render_plain(sheaf, decided.plain, self.cause, self.moment)]
        world = decided.world
        if world is not None and not world.merges and not world.claims:
            rendered.append(render_world(world, self.cause))
        return rendered

    def decide_sheaf(
        self, cursor: psycopg.Cursor[Any], sheaf: Sheaf, settings: Settings, before: Decided | None = None
    ) -> Decided:
        """Judge the plain rows, let the rules decide the rest; a plain row whose contact the rest meets joins it.

        ``before`` is what the sheaf before comes to, while it is being written. Raises TouchedBefore where this one
        cannot be decided until then.
        """
        if before is not None:
            before.check_done_with(sheaf)
        found = self.find_plain(cursor, sheaf) if takes_plain(self.plan) else None
        demoted = set(sheaf.meeting) if before is not None else set()
        for _ in range(MAX_DEMOTIONS):
            if found is None:
                break
            plain = found.decide(self.plan, demoted)
            world, outcomes = self.decide_rest(cursor, sheaf, plain, settings, before)
            met = world.rows.keys() & plain.found_ids if world is not None else None
            if not met:
                return self.conclude(sheaf, plain, world, outcomes, before)
            demoted.update(plain.rows_of(met))
        plain = Plain(rest=list(range(len(sheaf))))
        return self.conclude(sheaf, plain, *self.decide_rest(cursor, sheaf, plain, settings, before), before)

    def decide_rest(
        self, cursor: psycopg.Cursor[Any], sheaf: Sheaf, plain: Plain, settings: Settings, before: Decided | None
    ) -> tuple[World | None, Sequence[Outcome]]:
        """The records that rules have to judge, in their order."""
        if not plain.rest:
            return None, []
        records = [sheaf.record_of(row) for row in plain.rest]
        wanted, earlier = Wanted(records, few=True), before.world if before is not None else None
        if earlier is not None and earlier.columns is not None and not earlier.columns.issuperset(wanted.columns):
            raise TouchedBefore
        numbers = self.numbers_of(sheaf)
        ids = [numbers[row] for row in plain.rest]
        return self.decide_all(cursor, records, settings, wanted, before=earlier, ids=ids)

    def numbers_of(self, sheaf: Sheaf) -> list[int]:
        """An id for each record, should it make a contact: ascending, whichever way it is decided."""
        if not self.drawn:
            self.drawn = draw_numbers(len(sheaf))
        return self.drawn

    def conclude(
        self, sheaf: Sheaf, plain: Plain, world: World | None, outcomes: Sequence[Outcome], before: Decided | None
    ) -> Decided:
        if before is not None and not before.touched_ids.isdisjoint(plain.found_ids):
            raise TouchedBefore
        if before is not None and world is not None and not before.plain_ids.isdisjoint(world.rows):
            raise TouchedBefore
        if plain.created:
            numbers = self.numbers_of(sheaf)
            plain.created_ids = [numbers[row] for row in plain.created]
        return Decided(plain, world, Outcomes(sheaf, plain, outcomes), self.moment)

    def find_plain(self, cursor: psycopg.Cursor[Any], sheaf: Sheaf) -> FoundPlain | None:
        """What the database knows of the plain rows; None where a value is on so many contacts that rules must see."""
        settled = [(row, kind, value) for row, (kind, value) in enumerate(sheaf.settled) if kind]
        holders = load.find_values(cursor, [value for _, _, value in settled])
        if holders is None:
            return None
        unknown, owners, odd = [], {}, []
        for row, kind, value in settled:
            held = holders.get(value)
            if held is None:
                unknown.append(row)
            elif len(held) == 1 and held[0][0] == kind:
                owners[row] = held[0][1]
            else:
                odd.append(row)
        if self.plan.mode == Mode.UPDATE:
            odd += unknown
            unknown = []
        elif unknown:
            unknown, met = self.really_unknown(cursor, sheaf, unknown)
            odd += met
        stored = load.load_plain(cursor, owners.values(), sheaf.compared.columns) if owners else {}
        return FoundPlain(sheaf, unknown, owners, stored, odd)

    def really_unknown(self, cursor: psycopg.Cursor[Any], sheaf: Sheaf, rows: list[int]) -> tuple[list[int], list[int]]:
        """Those of whom nobody has any identifier, and whose addresses are not suppressed; and the others."""
        new, settled, wanted = sheaf.new, sheaf.settled, set(rows)
        pairs = zip(new.key_rows, new.values, strict=True)
        values = [value for row, value in pairs if row in wanted and value != settled[row][1]]
        found = load.find_values(cursor, values)
        known = set(values if found is None else found)
        known |= load.find_suppressed(cursor, (new.values[place] for place in new.addresses))
        return unknown_rows(sheaf, rows, known)


class FoundPlain(NamedTuple):
    """What was found for the plain rows of a sheaf."""

    sheaf: Sheaf
    unknown: list[int]
    owners: dict[int, int]
    stored: dict[int, tuple[Any, ...]]
    odd: list[int]

    def decide(self, plan: Plan, demoted: set[int]) -> Plain:
        """The plain rows judged but for the demoted ones, which join the rest."""
        owners = {row: owner for row, owner in self.owners.items() if row not in demoted} if demoted else self.owners
        plain = judge(self.sheaf, owners, self.stored, plan)
        plain.created = [row for row in self.unknown if row not in demoted] if demoted else self.unknown
        plain.rest += [row for row, (kind, _) in enumerate(self.sheaf.settled) if not kind]
        plain.rest = sorted({*plain.rest, *self.odd, *demoted})
        return plain
