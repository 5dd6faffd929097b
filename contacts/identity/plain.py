"""Records that no rule has to weigh, judged by columns (pure).

A plain record of a sheaf is *new* where nobody has any of its identifiers (L9), and *found* where the identifier that
settles it belongs to one active contact (L1, L7) whose external ID, email and phone are those of the record: then
nothing but plain fields can differ. Everything else goes through ``decide``. What comes out is the same either way,
which the tests hold: only the work is less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, overload

from contacts.identity.types import Mode, Outcome, Plan, Status
from contacts.identity.world import ACTIVE
from contacts.keys import Kind
from contacts.sheaf import CLEARS, HAS_CUSTOM, HAS_NUMBERS, IDENTITY, Compared, Sheaf

__all__ = ["Outcomes", "Plain", "Update", "counted", "first_ref", "judge", "notable", "takes_plain", "unknown_rows"]

Row = tuple[Any, ...]
"""A stored contact: its id, its state, the sheaf's compared columns, its attributes."""

EXTERNAL_ID: Final = int(Kind.EXTERNAL_ID)
SLUGS: Final = {int(kind): kind.slug for kind in Kind}


def takes_plain(plan: Plan) -> bool:
    """Whether records of this plan can be plain: nothing about the door or the mode needs a rule."""
    return (
        plan.bulk
        and plan.may_create
        and plan.mode in (Mode.UPSERT, Mode.CREATE, Mode.UPDATE)
        and not (plan.tracking or plan.activity or plan.person or plan.unconfirmed or plan.needs_permanent)
    )


class Update(NamedTuple):
    """Plain fields of a contact that change; ``attributes`` are all custom fields as they will be, None: untouched."""

    row: int
    contact_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    fields: dict[str, Any]
    attributes: dict[str, Any] | None


@dataclass
class Plain:
    """What is to be done for the plain rows of a sheaf; ``rest`` are the rows that rules have to judge."""

    created: list[int] = field(default_factory=list)
    created_ids: list[int] = field(default_factory=list)
    unchanged: list[tuple[int, int]] = field(default_factory=list)
    updated: list[Update] = field(default_factory=list)
    rest: list[int] = field(default_factory=list)

    @property
    def has_effects(self) -> bool:
        return bool(self.created or self.updated)

    @property
    def found_ids(self) -> set[int]:
        return {contact_id for _, contact_id in self.unchanged}.union(update.contact_id for update in self.updated)

    def rows_of(self, contact_ids: Collection[int]) -> list[int]:
        """The found rows of these contacts."""
        rows = [row for row, contact_id in self.unchanged if contact_id in contact_ids]
        return rows + [update.row for update in self.updated if update.contact_id in contact_ids]


def unknown_rows(sheaf: Sheaf, rows: Sequence[int], known_values: Collection[str]) -> tuple[list[int], list[int]]:
    """The rows among ``rows`` with no identifier of a known value; and the others."""
    if not known_values:
        return list(rows), []
    met = {row for row, value in zip(sheaf.new.key_rows, sheaf.new.values, strict=True) if value in known_values}
    return [row for row in rows if row not in met], [row for row in rows if row in met]


def judge(sheaf: Sheaf, owners: Mapping[int, int], stored: Mapping[int, Row], plan: Plan) -> Plain:
    """The found rows, each with the id of its contact and that contact as it is stored: unchanged, updated, or rest."""
    plain = Plain()
    compared, traits_of = sheaf.compared, sheaf.traits
    crowd = Counter(owners.values()) if len(set(owners.values())) < len(owners) else {}
    for row, contact_id in owners.items():
        contact = stored.get(contact_id)
        traits = traits_of[row]
        if (
            contact is None
            or contact[1] != ACTIVE
            or crowd.get(contact_id, 1) > 1
            or plan.mode == Mode.CREATE
            or (traits & CLEARS and plan.empty_values_clear)
        ):
            plain.rest.append(row)
        elif (
            contact[2:-1] == compared.expected[row]
            and contact[-1] == compared.attributes[row]
            and not traits & HAS_NUMBERS  # 1 == True
        ):
            plain.unchanged.append((row, contact_id))
        else:
            update = _compare(compared, row, contact)
            if update is None or (update.after and (plan.fill_blanks_only or plan.keep_columns or traits & HAS_CUSTOM)):
                plain.rest.append(row)
            elif update.after:
                plain.updated.append(update)
            else:
                plain.unchanged.append((row, contact_id))
    return plain


def _compare(compared: Compared, row: int, contact: Row) -> Update | None:
    """What the record changes of the contact; None where that is more than plain fields."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for name, has, wants in zip(compared.columns, contact[2:-1], compared.expected[row], strict=True):
        if wants is None or has == wants:
            continue
        if name in IDENTITY:
            return None
        if has is not None:
            before[name] = has
        fields[name] = after[name] = wants
    attributes: dict[str, Any] = contact[-1]
    changed = None
    for key, value in compared.attributes[row].items():
        has = attributes.get(key)
        if has == value and type(has) is type(value):
            continue
        if changed is None:
            changed = dict(attributes)
        if has is not None:
            before[f"fields.{key}"] = has
        changed[key] = after[f"fields.{key}"] = value
    return Update(row, contact[0], before, after, fields, changed)


# Outcomes


class Outcomes(Sequence[Outcome]):
    """The outcomes of a sheaf in the order of its records; those of plain rows are made when somebody asks."""

    def __init__(self, sheaf: Sheaf, plain: Plain, rest: Sequence[Outcome]) -> None:
        self.sheaf = sheaf
        self.plain = plain
        self.rest = rest

    def __len__(self) -> int:
        return len(self.sheaf)

    @overload
    def __getitem__(self, place: int) -> Outcome: ...
    @overload
    def __getitem__(self, place: slice) -> list[Outcome]: ...
    def __getitem__(self, place: int | slice) -> Outcome | list[Outcome]:
        if isinstance(place, slice):
            return [self[row] for row in range(len(self))[place]]
        return self._by_row[range(len(self))[place]]

    def __iter__(self) -> Iterator[Outcome]:
        return (self._by_row[row] for row in range(len(self)))

    @cached_property
    def _by_row(self) -> dict[int, Outcome]:
        made: dict[int, Outcome] = dict(zip(self.plain.rest, self.rest, strict=True))
        for row, contact_id in zip(self.plain.created, self.plain.created_ids, strict=True):
            outcome = Outcome(self.sheaf.refs[row], Status.CREATED, contact_id, "created", "L9")
            outcome.before, outcome.after = {}, _after_of(self.sheaf.compared, row)
            made[row] = outcome
        for row, contact_id in self.plain.unchanged:
            made[row] = Outcome(self.sheaf.refs[row], Status.UNCHANGED, contact_id, *matched_by(self.sheaf, row))
        for update in self.plain.updated:
            how = matched_by(self.sheaf, update.row)
            outcome = made[update.row] = Outcome(self.sheaf.refs[update.row], Status.UPDATED, update.contact_id, *how)
            outcome.before, outcome.after = update.before, update.after
        return made


def _after_of(compared: Compared, row: int) -> dict[str, Any]:
    """What a new contact has, as ``after_of`` says it of a record."""
    pairs = zip(compared.columns, compared.expected[row], strict=True)
    after = {name: value for name, value in pairs if value is not None}
    for key, value in compared.attributes[row].items():
        after[f"fields.{key}"] = value
    return after


def matched_by(sheaf: Sheaf, row: int) -> tuple[str, str]:
    """What found the contact of a plain row, and the rule."""
    kind = sheaf.settled[row][0]
    return SLUGS[kind], "L1" if kind == EXTERNAL_ID else "L7"


def counted(outcomes: Sequence[Outcome]) -> Counter[Status]:
    """How many outcomes there are of each status."""
    if not isinstance(outcomes, Outcomes):
        return Counter(outcome.status for outcome in outcomes)
    counts = Counter(outcome.status for outcome in outcomes.rest)
    counts[Status.CREATED] += len(outcomes.plain.created)
    counts[Status.UNCHANGED] += len(outcomes.plain.unchanged)
    counts[Status.UPDATED] += len(outcomes.plain.updated)
    return +counts


def first_ref(outcomes: Sequence[Outcome]) -> Any:
    """The ``ref`` of the first record."""
    return outcomes.sheaf.refs[0] if isinstance(outcomes, Outcomes) else outcomes[0].ref


def notable(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes that may say more than created, unchanged or updated: warnings, problems, merges."""
    return outcomes.rest if isinstance(outcomes, Outcomes) else outcomes
