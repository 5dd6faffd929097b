"""What a relation is (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from segments.conditions.fields import Field, FieldType
from segments.conditions.relations.measures import MEASURES, Measure
from segments.conditions.relations.members import Members
from segments.conditions.sql import Clause

__all__ = ["Assumed", "Kept", "Relation", "RowKind"]


@dataclass(frozen=True, slots=True)
class RowKind:
    """One kind of rows, such as an event type; ``clause`` is what they fulfil.

    One that ``is_offered`` no more goes on where a definition names it, and is not proposed to who writes a new one.
    """

    label: str
    clause: Clause
    is_offered: bool = True


@dataclass(frozen=True, slots=True)
class Assumed:
    """What holds of the rows unless a condition on them names ``field``; ``one`` and ``many`` are their names then."""

    field: str
    clause: Clause
    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Sums over the rows that are kept in a table of their own, some rows a contact: just those of whoever asks nothing
    else of a row than what is assumed.

    ``measures`` are aggregates over its rows by the measures that they answer, exactly; ``of`` is what is added up.
    ``moments`` are its columns for the measures that are dates.
    """

    table: str
    of: str
    measures: Mapping[str, str]
    moments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of ``table``, each of the contact that its ``contact_id`` names; a row is written ``r`` in SQL.

    ``kept`` are sums over its rows, ``aggregates`` how they are added up where they are read instead of the rows.
    ``moment`` is when it happened. ``one`` and ``many`` name its rows. ``fields`` and ``members`` are what conditions
    on a row may ask about; ``kinds`` are what there is to choose from, by key; ``always`` holds of every row meant.
    """

    key: str
    label: str
    group: str
    one: str
    many: str
    table: str
    moment: Field
    fields: Mapping[str, Field] = field(default_factory=dict)
    members: tuple[Members, ...] = ()
    kinds: Mapping[str, RowKind] | None = None
    always: Clause | None = None
    assumed: Assumed | None = None
    sums: tuple[str, ...] = ()
    kept: Kept | None = None
    aggregates: Mapping[str, str] = field(default_factory=dict)

    def read_kept(self, measure: str, of: str | None) -> Relation:
        """The same, read where sums over its rows are kept, if those answer this measure."""
        kept = self.kept
        if kept is None or measure not in kept.measures or of not in (None, kept.of):
            return self
        moment = replace(self.moment, value=Clause(f"r.{kept.moments.get(measure, self.moment.key)}"))
        return replace(self, table=kept.table, assumed=None, moment=moment, aggregates=kept.measures, kept=None)

    @property
    def measures(self) -> Mapping[str, Measure]:
        """What can be asked of the rows; sums only where they have something to add up."""
        adds_up = bool(self.sums)
        return {key: measure for key, measure in MEASURES.items() if adds_up or not measure.takes_of}

    def members_of(self, key: str) -> Members | None:
        """The JSON object that ``key`` names a member of."""
        return next((members for members in self.members if members.name_of(key) is not None), None)

    def find_field(self, key: str, compared_as: FieldType | None, zone: str = "UTC") -> Field | None:
        """The field of a row that is written ``key``; a member of a JSON object is compared as given."""
        if key in self.fields:
            return self.fields[key]
        members = self.members_of(key)
        return None if members is None or compared_as is None else members.field(key, compared_as, zone)

    def find_number(self, key: str, zone: str = "UTC") -> Field | None:
        """The number that can be added up over the rows, such as ``total_cost`` or ``params.price``."""
        known = self.fields.get(key)
        if known is not None:
            return known if key in self.sums else None
        members = self.members_of(key)
        fits = members is not None and members.prefix in self.sums
        return members.field(key, FieldType.NUMBER, zone) if members is not None and fits else None
