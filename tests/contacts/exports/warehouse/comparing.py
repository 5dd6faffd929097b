"""A company's warehouse, kept up to date while life goes on, against one that was made anew just now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.flow import choose_tables, save_target, start_run
from contacts.exports.warehouse.jobs import attend
from contacts.exports.warehouse.marks import forget_marks
from contacts.exports.warehouse.members import forget_members
from contacts.identity.old_changes import forget_old_changes
from contacts.keys import Kind
from contacts.models import (
    Contact,
    ContactState,
    CustomField,
    Deletions,
    Event,
    ExportMark,
    ExportRun,
    ExportTarget,
    Identifier,
    Merge,
    Order,
    RunKind,
    TargetKind,
)
from crm.jobs import WorkerStopping
from segments.membership import members
from segments.models import Segment
from tests.contacts.exports.warehouse.happenings import Life

KEPT, FRESH = "kept", "fresh"
Difference = tuple[str, str, Any]


def live_on(company: Company, life: Life, *, rounds: int, happenings: int) -> Iterator[list[Difference]]:
    """What is different after each round."""
    for number in range(rounds):
        life.go_on(happenings)
        if number % 3 == 2:
            company.bring_up(disturbance=Disturbance(life))
        if number % 5 == 4:
            forget_what_was_read()
            company.choose_every_column()
        company.bring_up()
        yield company.differences()


def forget_what_was_read() -> None:
    """As some months later."""
    ExportMark.objects.update(at=datetime.now(UTC) - timedelta(days=100))
    forget_old_changes(datetime.now(UTC))
    forget_marks()
    forget_members()


@dataclass
class Disturbance:
    """Between two steps of a run life goes on, and now and then the worker is told to stop; in the end it is quiet."""

    life: Life
    steps: int = 20

    def __call__(self) -> None:
        self.steps -= 1
        if self.steps > 0:
            self.life.go_on(1)
            if self.life.chance.random() < 0.2:
                raise WorkerStopping


def attend_to(run: ExportRun, tell: Callable[[], None] = lambda: None) -> None:
    """By as many workers as it takes."""
    while run.status in ("queued", "running"):
        ExportRun.objects.filter(pk=run.pk).update(attempts=0)  # they are told to stop, which is no death
        attend(run.pk, tell=tell)
        run.refresh_from_db()


@dataclass
class Company:
    """A server with two schemas: in one a target is kept up to date, in the other everything is made anew."""

    server: psycopg.Connection[Any]
    kept: ExportTarget
    fresh: ExportTarget
    attend: Callable[[ExportRun], object] = attend_to

    @classmethod
    def move_in(cls, server: psycopg.Connection[Any], address: str, *, remove: bool) -> Company:
        targets = []
        for schema in (KEPT, FRESH):
            server.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
            server.execute(f"CREATE SCHEMA {schema}".encode())
            deletions = Deletions.REMOVE if remove else Deletions.FLAG
            target = ExportTarget(
                name=schema, kind=TargetKind.POSTGRESQL, settings={"schema": schema}, deletions=deletions
            )
            save_target(target, secret=address)
            choose_tables(target, dict.fromkeys(DATA_SETS))
            targets.append(target)
        return cls(server, *targets)

    def bring_up(self, kind: str = RunKind.INCREMENTAL, *, disturbance: Disturbance | None = None) -> None:
        run = start_run(self.kept, kind, by="user:1")
        if disturbance is not None:
            attend_to(run, disturbance)
        self.see_to(run)

    def see_to(self, run: ExportRun) -> None:
        self.attend(run)
        run.refresh_from_db()
        assert run.status == "finished", run.error

    def choose_every_column(self) -> None:
        """Those of fields that came since, too."""
        choose_tables(self.kept, {**self._every_table(), "contacts": every_contact_column()})

    def differences(self) -> list[Difference]:
        """Between the two, everything of the second sent anew; and from what is here."""
        self._make_anew()
        found = [row for slug in self._every_table() for row in self._compare(slug)]
        return found + list(self._miss())

    def _every_table(self) -> dict[str, Any]:
        return dict.fromkeys(self.kept.tables.values_list("data_set", flat=True))

    def _make_anew(self) -> None:
        known = set(every_contact_column())
        columns = dict(self.kept.tables.values_list("data_set", "columns"))
        columns["contacts"] = [key for key in columns["contacts"] if key in known]
        choose_tables(self.fresh, columns)
        self.see_to(start_run(self.fresh, RunKind.FULL, by="user:1"))

    def _compare(self, table: str) -> Iterator[Difference]:
        kept, fresh = (self._columns(schema, table) for schema in (KEPT, FRESH))
        if kept != fresh:
            yield table, "columns", sorted(kept ^ fresh)
            return
        names = sql.SQL(", ").join(map(sql.Identifier, sorted(kept)))
        for one, other in ((KEPT, FRESH), (FRESH, KEPT)):
            only = sql.SQL("SELECT {0} FROM {1} EXCEPT ALL SELECT {0} FROM {2} LIMIT 3").format(
                names, sql.Identifier(one, table), sql.Identifier(other, table)
            )
            for row in self.server.execute(only):
                yield table, f"only in {one}", dict(zip(sorted(kept), row, strict=True))

    def _columns(self, schema: str, table: str) -> set[str]:
        asked = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
        return {name for (name,) in self.server.execute(asked, [schema, table])}

    def _miss(self) -> Iterator[Difference]:
        for table, (names, here) in what_is_here(remove=self.kept.deletions == "remove").items():
            listed = sql.SQL(", ").join(map(sql.Identifier, names))
            there = set(self.server.execute(sql.SQL("SELECT {} FROM {}").format(listed, sql.Identifier(KEPT, table))))
            if here != there:
                yield table, "not as it is here", sorted(here ^ there, key=str)[:5]


def every_contact_column() -> list[str]:
    return [column.key for column in DATA_SETS["contacts"].columns(CustomField.objects.order_by("key"))]


def what_is_here(*, remove: bool) -> dict[str, tuple[tuple[str, ...], set[tuple[Any, ...]]]]:
    """By table, some columns of all rows, asked of our tables without a word of the exports."""
    states = [ContactState.ACTIVE] if remove else [state for state in ContactState if state != ContactState.ERASED]
    there = Contact.objects.filter(state__in=states)
    of_them = {"contact_id__in": there.values("pk")}
    contacts = there.values_list("pk", "email", "external_id", "phone", "merged_into_id", "updated_at")
    identifiers = Identifier.objects.filter(**of_them).exclude(kind=Kind.ORDER)
    orders = Order.objects.filter(**of_them).values_list("contact_id", "pk", "status", "total_cost")
    lists = [(segment.pk, members(segment).values_list("pk", flat=True)) for segment in Segment.objects.all()]
    return {
        "contacts": (("contactId", "email", "externalCustomerId", "sms", "mergedInto", "updatedDate"), set(contacts)),
        "identifiers": (("contactId", "app", "value"), set(identifiers.values_list("contact_id", "app", "value"))),
        "events": (("contactId", "eventId"), set(Event.objects.filter(**of_them).values_list("contact_id", "pk"))),
        "orders": (("contactId", "orderId", "status", "totalCost"), set(orders)),
        "segments": (("segmentId", "name"), set(Segment.objects.values_list("pk", "name"))),
        "memberships": (("segmentId", "contactId"), {(pk, member) for pk, ids in lists for member in ids}),
        "merges": (
            ("contactId", "mergedContactId"),
            set(Merge.objects.filter(undone_at=None, **of_them).values_list("contact_id", "loser_id")),
        ),
    }
