"""What is kept how long, what would go tonight, and what went on the nights before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.activity.old_events import find_outside, first_month_kept
from contacts.admin.actors import Actor, name_actors
from contacts.admin.imports.words import say_duration, say_number
from contacts.admin.journal import show_moment
from contacts.admin.settings.page import FormPage, say_at_least
from contacts.identity.old_changes import IMPORT, WEBHOOK, journal_begins
from contacts.identity.pieces import BUSY, Stopped
from contacts.identity.retention import CAME_BACK, CONTACTS, ONCE_IDENTIFIED, VISITORS
from contacts.models import Policy, RetentionRun
from contacts.retention import RULES, Going, foresee_tonight
from contacts.retention.rules import CHANGES, EVENTS, MONTHS, RECEIPTS, UNMATCHED
from crm.limits import stopped_after

__all__ = ["RetentionPage", "say_retention"]

RUNS_SHOWN: Final = 30
MILLISECONDS: Final = 500
WORDS: Final[dict[str, Any]] = {
    CONTACTS: gettext_lazy("Anonymous contacts"),
    VISITORS: gettext_lazy("Visitors"),
    UNMATCHED: gettext_lazy("Unmatched events"),
    EVENTS: gettext_lazy("Events"),
    RECEIPTS: gettext_lazy("Receipts of events"),
    CHANGES: gettext_lazy("Changes"),
}
"""By rule; the first two are what is counted, too."""
REASONS: Final[dict[str, Any]] = {
    BUSY: gettext_lazy("in use, left for the next night"),
    CAME_BACK: gettext_lazy("came back meanwhile"),
    ONCE_IDENTIFIED: gettext_lazy("with an external ID merged into them"),
    IMPORT: gettext_lazy("of imports that can be taken back"),
    WEBHOOK: gettext_lazy("that a webhook or a warehouse waits for"),
}


class Shown(NamedTuple):
    """What would go tonight: of what, and how much."""

    what: str
    says: str


class ShownLine(NamedTuple):
    """A rule in a report."""

    what: str
    why: str
    gone: list[str]
    left: list[str]
    when: str


class ShownRun(NamedTuple):
    """A report: one line about it, and its lines."""

    when: str
    by: Actor
    says: str
    error: str
    is_under_way: bool
    lines: list[ShownLine]


class RetentionPage(FormPage):
    """GET shows, with ``?count=1`` what would go tonight; POST saves. Nothing goes before the night."""

    title = gettext_lazy("Retention")
    template_name = "contacts/settings/retention.html"
    stands_alone = True
    saved = gettext_lazy("It was saved. What is older goes tonight.")
    sections = (
        (gettext_lazy("Contacts"), ("anonymous_erased_after_days", "visitors_erased_after_days")),
        (gettext_lazy("What they did, and what was done to them"), ("events_kept_months", "journal_kept_days")),
        (gettext_lazy("Files"), ("import_files_kept_days",)),
    )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.going = [show_going(one) for one in foresee_tonight()] if request.GET.get("count") else None
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {
            "going": getattr(self, "going", None),
            "begins": journal_begins(),
            "month": first_month_kept(),
            "runs": show_runs(),
            "outside": say_outside(),
        }


def show_going(going: Going) -> Shown:
    if going.total is None:
        return Shown(str(WORDS[going.rule]), _("too many to be counted here"))
    return Shown(str(WORDS[going.rule]), say_at_least(going.total, is_exact=going.is_whole))


def say_outside() -> str:
    """About the events that have no month; '' where there are none."""
    try:
        with stopped_after(MILLISECONDS, Stopped):
            found = find_outside()
    except Stopped:
        return _("Many events lie outside the months that have a table.")
    if found is None:
        return ""
    count = say_at_least(found.total, is_exact=found.is_whole)
    first, last = show_moment(found.first), show_moment(found.last)
    return _("Events outside the months that have a table: {count}, from {first} to {last}.").format(
        count=count, first=first, last=last
    )


# The reports


def show_runs() -> list[ShownRun]:
    """The last ones, the latest first."""
    runs = list(RetentionRun.objects.order_by("-started_at")[:RUNS_SHOWN])
    actors, tables = name_actors(run.by for run in runs), name_tables()
    return [show_run(run, actors[run.by], tables) for run in runs]


def name_tables() -> dict[str, str]:
    models = apps.get_app_config("contacts").get_models()
    return {model._meta.db_table: str(model._meta.verbose_name_plural) for model in models} | {
        rule: str(WORDS[rule]).lower() for rule in (CONTACTS, VISITORS)
    }


def show_run(run: RetentionRun, actor: Actor, tables: Mapping[str, str]) -> ShownRun:
    rules = [(rule.name, run.lines[rule.name]) for rule in RULES if rule.name in run.lines]
    lines = [show_line(name, line, tables) for name, line in rules]
    is_under_way = run.finished_at is None and not run.error
    gone: dict[str, int] = {}
    for _rule, line in rules:
        for table, count in line["gone"].items():
            gone[table] = gone.get(table, 0) + count
    says = ", ".join(say_counted(gone, tables)) or _("nothing was old enough")
    if run.finished_at is not None:
        took = say_duration((run.finished_at - run.started_at).total_seconds())
        says = _("{says}; it took {time}").format(says=says, time=took)
    return ShownRun(show_moment(run.started_at), actor, says, run.error, is_under_way, lines)


def show_line(name: str, line: Mapping[str, Any], tables: Mapping[str, str]) -> ShownLine:
    gone = list(say_counted(line["gone"], tables))
    if line["months"]:
        gone.append(_("the months {months}").format(months=", ".join(line["months"])))
    left = [f"{say_number(count)} {REASONS.get(reason, reason)}" for reason, count in line["left"].items()]
    if line["months_left"]:
        left.append(_("the months {months}").format(months=", ".join(line["months_left"])))
    return ShownLine(str(WORDS[name]), say_why(line), gone, left, say_when(line))


def say_counted(counts: Mapping[str, int], tables: Mapping[str, str]) -> Iterator[str]:
    """Those who went first, then what of theirs, the most first."""
    for table, count in sorted(counts.items(), key=lambda item: (item[0] not in WORDS, -item[1])):
        yield f"{tables.get(table, table)}: {say_number(count)}"


def say_why(line: Mapping[str, Any]) -> str:
    kept = say_months(line["kept"]) if line["unit"] == MONTHS else say_days(line["kept"])
    before = show_moment(moment_of(line["before"]))
    return _("kept {time}: from before {before}").format(time=kept, before=before)


def say_when(line: Mapping[str, Any]) -> str:
    began = moment_of(line["began_at"])
    if line["ended_at"] is None:
        return _("began {began}").format(began=show_moment(began))
    took = (moment_of(line["ended_at"]) - began).total_seconds()
    return _("{began}, took {time}").format(began=show_moment(began), time=say_duration(took))


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# In one line


def say_retention(policy: Policy) -> str:
    """In one line."""
    parts = [
        _("anonymous contacts {time}").format(time=say_days(policy.anonymous_erased_after_days)),
        _("visitors {time}").format(time=say_days(policy.visitors_erased_after_days)),
        _("changes {time}").format(time=say_days(policy.journal_kept_days)),
        _("events {time}").format(time=say_months(policy.events_kept_months)),
    ]
    line = _("Kept: {parts}.").format(parts=", ".join(parts))
    return line[:1].upper() + line[1:]


def say_days(days: int | None) -> str:
    return _("for ever") if days is None else ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def say_months(months: int | None) -> str:
    if months is None:
        return _("for ever")
    return ngettext("%(count)d month", "%(count)d months", months) % {"count": months}
