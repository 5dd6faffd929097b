"""What people and the clock do with a target: keep it, choose its tables, test it, start and cancel a run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.errors import ExportGoesOn, NothingToExport, SettingsRefused, TargetOff
from contacts.exports.warehouse.schedule import check_schedule, next_time
from contacts.exports.warehouse.tables import needed_keys, reading_of, tables_of
from contacts.exports.warehouse.targets import check_settings, connect
from contacts.exports.warehouse.types import Problem
from contacts.models import (
    CustomField,
    ExportRun,
    ExportTable,
    ExportTarget,
    RunKind,
    RunStatus,
    read_account_zone,
)
from crm.errors import CardfileError, Refused
from crm.jobs import app
from crm.secrets import decrypt, encrypt

__all__ = [
    "JOB",
    "OPEN",
    "cancel_run",
    "check_target",
    "choose_tables",
    "enter",
    "forget_old_runs",
    "forget_positions",
    "save_target",
    "start_due_runs",
    "start_run",
]

OPEN: Final = (RunStatus.QUEUED, RunStatus.RUNNING)
JOB: Final = "contacts.exports.warehouse.run"
SCHEDULE: Final = "rule:schedule"
KEPT_FOR: Final = timedelta(days=90)


# Targets


def save_target(target: ExportTarget, *, secret: str | None = None) -> ExportTarget:
    """Keep a target, new or changed; ``secret`` as it was typed, None to keep the one there is.

    Raises ``Refused`` with an error a field; ``ExportGoesOn`` where another place is named while a run is under way.
    Another place has nothing yet: everything is sent there anew.
    """
    check_target_settings(target, secret=secret)
    with transaction.atomic():
        before = ExportTarget.objects.select_for_update().filter(pk=target.pk).first()
        if secret is not None:
            target.secret = encrypt(secret) if secret else None
        target.next_run_at = due_at(target, after=datetime.now(UTC))
        is_elsewhere = before is not None and (before.kind, before.settings) != (target.kind, target.settings)
        if is_elsewhere and target.runs.filter(status__in=OPEN).exists():
            raise ExportGoesOn
        target.save()
        if is_elsewhere:
            forget_positions(target)
    return target


def check_target_settings(target: ExportTarget, *, secret: str | None) -> None:
    """Read what was typed into the settings as they are kept; raises ``Refused`` with everything that is wrong."""
    errors = list(_find_errors(target, secret))
    if errors:
        raise Refused(errors, errors[0].message)


def _find_errors(target: ExportTarget, secret: str | None) -> Iterator[CardfileError]:
    if not target.name.strip():
        yield SettingsRefused(_("Give it a name."), path="name")
    try:
        check_schedule(target.every_minutes, target.cron)
    except CardfileError as error:
        yield error
    try:
        told = secret if secret is not None else decrypt(bytes(target.secret)) if target.secret else ""
        encrypt(told)  # where there is no key to keep it by, that is said before anything is asked of the target
        target.settings = check_settings(target.kind, target.settings, told)
    except Refused as refused:
        yield from refused.errors
    except CardfileError as error:
        error.path = error.path or "secret"
        yield error


def due_at(target: ExportTarget, *, after: datetime) -> datetime | None:
    """When it runs next by itself."""
    if not target.is_active:
        return None
    return next_time(target.every_minutes, target.cron, zone=read_account_zone().key, after=after)


def forget_positions(target: ExportTarget) -> None:
    """Everything is sent anew by the next run."""
    target.tables.update(needs_full=True, position={}, filling={}, made={})


def check_target(target: ExportTarget) -> list[Problem]:
    """Test the connection and what it lets us do, and keep what came of it. Nothing is left at the target."""
    try:
        problems = _look_at(target)
    except CardfileError as error:
        problems = [Problem(error.code, error.message)]
    told = " ".join(problem.message for problem in problems)
    target.checked_at, target.check_error = datetime.now(UTC), told
    ExportTarget.objects.filter(pk=target.pk).update(checked_at=target.checked_at, check_error=told)
    return problems


def _look_at(target: ExportTarget) -> list[Problem]:
    opened = connect(target)
    try:
        problems = list(opened.check())
        if not problems:
            for table in tables_of(target):
                if not table.needs_full:
                    problems += opened.compare(reading_of(table, target.deletions).shape)
        return problems
    finally:
        opened.close()


# What is exported


def choose_tables(
    target: ExportTarget,
    chosen: Mapping[str, Collection[str] | None],
    *,
    names: Mapping[str, str] | None = None,
) -> list[ExportTable]:
    """Exactly these data sets leave, by slug, with these columns; None for those it has, or all where it is new.

    A column that is added is filled by the next run, of a table that stays readable meanwhile; one that is taken away
    goes with it. ``names`` are the tables' names at the target, the slugs unless given. The table of a data set that
    leaves no more stays at the target as it is. Raises ``Refused`` with an error a data set.
    """
    with transaction.atomic():
        ExportTarget.objects.select_for_update().get(pk=target.pk)
        stand = dict(target.tables.values_list("data_set", "columns"))
        given = {slug: stand.get(slug) if keys is None else keys for slug, keys in chosen.items()}
        columns = {slug: _check_columns(slug, keys) for slug, keys in given.items()}
        target.tables.exclude(data_set__in=columns).delete()
        for slug, keys in columns.items():
            _keep_table(target, slug, keys, (names or {}).get(slug, ""))
    return tables_of(target)


def _check_columns(slug: str, chosen: Collection[str] | None) -> list[str]:
    """In the data set's order, what always leaves among them."""
    if slug not in DATA_SETS:
        raise Refused([SettingsRefused(_("There is no such data set. Choose one of those listed."), path=slug)])
    known = [column.key for column in DATA_SETS[slug].columns(CustomField.objects.order_by("key"))]
    wanted = set(known) if chosen is None else {*chosen, *needed_keys(DATA_SETS[slug])}
    if unknown := sorted(wanted.difference(known)):
        words = _("There is no column “{column}”. Choose one of those listed.").format(column=unknown[0])
        raise Refused([SettingsRefused(words, path=f"{slug}.columns")])
    return [key for key in known if key in wanted]


def _keep_table(target: ExportTarget, slug: str, columns: list[str], name: str) -> None:
    table = target.tables.filter(data_set=slug).first() or ExportTable(target=target, data_set=slug, table_name=slug)
    table.table_name = name or table.table_name
    table.columns = columns
    table.columns_to_fill = [key for key in columns if key not in table.made]
    if table.pk is None:
        table.save()
    else:
        table.save(update_fields=["table_name", "columns", "columns_to_fill"])


# Runs


def start_run(target: ExportTarget, kind: str = RunKind.INCREMENTAL, *, by: str) -> ExportRun:
    """Bring it up to date in the background, or with ``full`` send everything anew.

    Raises ``ExportGoesOn`` where that is under way already, ``NothingToExport`` where no table was chosen,
    ``TargetOff`` where it is switched off: what happens meanwhile is not kept for it.
    """
    with transaction.atomic():
        held = ExportTarget.objects.select_for_update().get(pk=target.pk)
        if held.runs.filter(status__in=OPEN).exists():
            raise ExportGoesOn
        if not held.is_active:
            raise TargetOff
        if not held.tables.exists():
            raise NothingToExport
        if kind == RunKind.FULL:
            held.tables.update(needs_full=True, filling={})
        run = ExportRun.objects.create(target=held, kind=kind, by=by)
        enter(run)
    return run


def enter(run: ExportRun) -> None:
    """Hand it to the queue, in this transaction."""
    app.configure_task(JOB, allow_unknown=True, queue="exports").defer(run_id=run.pk)


def cancel_run(run: ExportRun) -> ExportRun:
    """Stop after the piece that is under way. What is at the target stays; the next run goes on from there."""
    with transaction.atomic():
        held = ExportRun.objects.select_for_update().get(pk=run.pk)
        if held.status == RunStatus.QUEUED:
            held.status, held.finished_at = RunStatus.CANCELLED, datetime.now(UTC)
        elif held.status == RunStatus.RUNNING:
            held.wish = "cancel"
        held.save(update_fields=["status", "finished_at", "wish"])
    return held


def start_due_runs(*, now: datetime | None = None) -> int:
    """By the clock: those whose time has come. What was due while nobody worked is made up for once."""
    moment = now or datetime.now(UTC)
    started = 0
    for target in ExportTarget.objects.filter(is_active=True, next_run_at__lte=moment).order_by("pk"):
        following = due_at(target, after=moment)
        ours = ExportTarget.objects.filter(pk=target.pk, next_run_at=target.next_run_at)
        if not ours.update(next_run_at=following):
            continue  # another worker looked at the clock too
        try:
            start_run(target, by=SCHEDULE)
            started += 1
        except (ExportGoesOn, NothingToExport, TargetOff):
            continue
    return started


def forget_old_runs(*, now: datetime | None = None) -> int:
    """The history keeps three months."""
    before = (now or datetime.now(UTC)) - KEPT_FOR
    return ExportRun.objects.filter(finished_at__lt=before).delete()[0]
