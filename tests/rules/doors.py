"""The entrances a row can be sent through. An entrance says what it can express, sends, and tells what it was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contacts import identity
from contacts.identity import Outcome, Status
from contacts.identity.errors import MergeRefused, UndoLaterMergeFirst
from contacts.models import DuplicateCase
from crm.errors import CardfileError
from tests.people import BY, Stage
from tests.rules.row import Act, Row

BALLAST = 300
"""So many records beside those of the row make a large batch, which is loaded by another path than a small one."""


@dataclass
class Told:
    """What an entrance tells of the last record; None where it tells nothing of the kind.

    ``statuses`` are those of all records; ``counts`` how often each status came, where the order is not told.
    """

    statuses: list[str] | None = None
    counts: dict[str, int] | None = None
    contact_id: int | None = None
    code: str | None = None
    column: str | None = None
    other_id: int | None = None
    warnings: list[str] | None = None
    rule: str | None = None
    matched_by: str | None = None


class Door(Protocol):
    name: str

    def can_express(self, row: Row, way: str) -> bool: ...

    def send(self, row: Row, way: str, stage: Stage) -> Told: ...


def told_by(outcomes: list[Outcome]) -> Told:
    last = outcomes[-1]
    return Told(
        statuses=[str(outcome.status) for outcome in outcomes],
        contact_id=last.contact_id,
        code=last.code,
        column=last.column,
        other_id=last.other_id,
        warnings=[warning.code for warning in last.warnings],
        rule=last.rule,
        matched_by=last.matched_by,
    )


class Service:
    """The verb itself, after a dry run that must say the same and write nothing."""

    name = "service"

    def can_express(self, row: Row, way: str) -> bool:
        return not isinstance(row.send, Act) or row.send.verb in ACTS

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        if isinstance(row.send, Act):
            return ACTS[row.send.verb](row.send, stage)
        records, moment = [stage.fill(record) for record in row.records], stage.tick()
        rehearsed = identity.resolve(records, row.plan(way), by=BY, at=moment, dry_run=True)
        outcomes = identity.resolve(records, row.plan(way), by=BY, at=moment)
        assert [essence(outcome) for outcome in rehearsed] == [essence(outcome) for outcome in outcomes]
        return told_by(outcomes)


class LargeBatch:
    """The verb with hundreds of records of which all but the row's say nothing."""

    name = "large batch"

    def can_express(self, row: Row, way: str) -> bool:
        return not isinstance(row.send, Act) and way in ("bulk", "order")

    def send(self, row: Row, way: str, stage: Stage) -> Told:
        ballast: list[Mapping[str, Any]] = [{"email": "no address"}] * BALLAST
        records = [*ballast, *(stage.fill(record) for record in row.records)]
        return told_by(identity.resolve(records, row.plan(way), by=BY, at=stage.tick())[BALLAST:])


def essence(outcome: Outcome) -> tuple[Any, ...]:
    """What a dry run must know too; ids of new contacts are not given out yet."""
    is_new = outcome.status in (Status.CREATED, Status.VISITOR)
    return (
        outcome.status,
        None if is_new else outcome.contact_id is not None,
        outcome.code,
        outcome.column,
        outcome.rule,
        outcome.matched_by,
        [warning.code for warning in outcome.warnings],
        [step.verdict for step in outcome.steps],
        dict(outcome.before or {}).keys(),
        dict(outcome.after or {}).keys(),
    )


# What is done to a contact by its id


def delete(act: Act, stage: Stage) -> Told:
    return told_by(identity.delete_contacts([stage.ids[act.name]], by=BY, at=stage.tick()))


def restore(act: Act, stage: Stage) -> Told:
    return told_by(identity.restore_contacts([stage.ids[act.name]], by=BY, at=stage.tick()))


def erase(act: Act, stage: Stage) -> Told:
    return told_by(identity.erase_contacts([stage.ids[act.name]], by=BY, at=stage.tick()))


def merge(act: Act, stage: Stage) -> Told:
    survivor, loser = stage.ids[act.name], stage.ids[act.other]
    return told_unless_refused(
        lambda: identity.merge_contacts(survivor, loser, by=BY, choices=act.choices, at=stage.tick()), survivor
    )


def undo(act: Act, stage: Stage) -> Told:
    merge_id = stage.merges[act.name]
    return told_unless_refused(lambda: identity.undo_merge(merge_id, by=BY, at=stage.tick()), stage.ids[act.name])


def dismiss(_act: Act, stage: Stage) -> Told:
    for case in DuplicateCase.objects.all():
        identity.dismiss_case(case.pk, by=BY, at=stage.tick())
    return Told()


def told_unless_refused(verb: Callable[[], object], contact_id: int) -> Told:
    try:
        verb()
    except (MergeRefused, UndoLaterMergeFirst, CardfileError) as error:
        return Told(statuses=["failed"], code=error.code)
    return Told(statuses=["updated"], contact_id=contact_id)


ACTS: dict[str, Callable[[Act, Stage], Told]] = {
    "delete": delete,
    "restore": restore,
    "erase": erase,
    "merge": merge,
    "undo": undo,
    "dismiss": dismiss,
}
