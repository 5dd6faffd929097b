"""Background work: what is under way, what waits, what failed; in words, with a way to try again or to cancel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy
from procrastinate import exceptions
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from unfold.admin import ModelAdmin

from crm.admin import dashboard, waiting
from crm.admin.job_words import About, find_about, label_of, name_owners
from crm.admin.queue import ENDED_BADLY, find_failed, read_queue
from crm.audit import actor_of, note
from crm.jobs import app
from crm.models import AuditEntry

__all__ = ["JobAdmin"]

ROWS: Final = 50
ARGUMENTS_SHOWN: Final = 2_000
ADDRESS: Final = "procrastinate_procrastinatejob"
SHOWN: Final[dict[str, Any]] = {
    "open": gettext_lazy("Under way and waiting"),
    "failed": gettext_lazy("Failed or cancelled"),
    "done": gettext_lazy("Done"),
}
STATES: Final[dict[str, tuple[Any, str]]] = {
    "doing": (gettext_lazy("under way"), "news"),
    "todo": (gettext_lazy("waiting"), "dim"),
    "later": (gettext_lazy("is to come"), "dim"),
    "succeeded": (gettext_lazy("done"), "good"),
    "failed": (gettext_lazy("failed"), "bad"),
    "cancelled": (gettext_lazy("cancelled"), "warn"),
    "aborted": (gettext_lazy("stopped"), "warn"),
}
"""State → its word and tone; *later* is ours: waiting, and not due yet."""
EVENTS: Final[dict[str, Any]] = {
    "deferred": gettext_lazy("put into the queue"),
    "scheduled": gettext_lazy("was planned for then"),
    "started": gettext_lazy("begun"),
    "deferred_for_retry": gettext_lazy("failed, and put into the queue again"),
    "failed": gettext_lazy("failed"),
    "succeeded": gettext_lazy("done"),
    "cancelled": gettext_lazy("cancelled"),
    "abort_requested": gettext_lazy("asked to stop"),
    "aborted": gettext_lazy("stopped"),
    "retried": gettext_lazy("tried again by hand"),
}
ENDS: Final = frozenset({"failed", "succeeded", "cancelled", "aborted"})

admin.site.unregister(ProcrastinateJob)


@dataclass(frozen=True, slots=True)
class Row:
    """One job as the page shows it; ``verb`` is what can be done about it, if anything."""

    id: int
    label: str
    about: About | None
    owner: str
    state: str
    state_shown: str
    tone: str
    at: datetime | None
    attempts: int
    verb: str


@admin.register(ProcrastinateJob)
class JobAdmin(ModelAdmin):
    """Pages of our own; whoever may change jobs may try them again and cancel them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_act(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("procrastinate.change_procrastinatejob"))

    def get_urls(self) -> list[URLPattern]:
        act = path("<int:job_id>/do/<slug:verb>/", self.admin_site.admin_view(self.do_view), name=f"{ADDRESS}_do")
        return [act, *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect(f"admin:{ADDRESS}_change", object_id)

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        show = request.GET.get("show", "")
        show = show if show in SHOWN else "open"
        queue = read_queue()
        jobs, next_before = read_jobs(show, read_place(request.GET.get("before", "")))
        return self.show(
            request,
            "crm/jobs.html",
            title=_("Background work"),
            queue=queue,
            worker_panel={"queue": queue},
            tabs=SHOWN,
            chosen=show,
            rows=build_rows(jobs, read_events(jobs)),
            next_before=next_before,
            may_act=self.may_act(request),
        )

    def show(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        frame = self.admin_site.each_context(request)
        return TemplateResponse(request, template, {**frame, **context})

    # One job

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        job = find_job(object_id or "")
        events = read_events([job])
        [row] = build_rows([job], events)
        return self.show(
            request,
            "crm/job.html",
            title=row.label,
            job=job,
            arguments=json.dumps(job.args, ensure_ascii=False)[:ARGUMENTS_SHOWN],
            row=row,
            events=[(event.at, EVENTS.get(event.type, event.type)) for event in events.get(job.pk, ())],
            may_act=self.may_act(request),
        )

    # What can be done

    def do_view(self, request: HttpRequest, job_id: int, verb: str) -> HttpResponse:
        if request.method != "POST" or verb not in VERBS or not self.may_act(request):
            raise PermissionDenied
        job = find_job(str(job_id))
        is_done, text = VERBS[verb](job)
        waiting.forget_counts()
        if is_done:
            note_done(request, job, verb)
        (messages.success if is_done else messages.warning)(request, text)
        return redirect(f"admin:{ADDRESS}_change", job.pk)


def read_jobs(show: str, before: int) -> tuple[list[Any], int | None]:
    """A page of jobs, and the id before which the next one begins."""
    jobs = ProcrastinateJob.objects.all()
    if show == "open":
        waiting_ones = jobs.filter(status="todo").order_by("-priority", "pk")[:ROWS]
        doing = jobs.filter(status="doing", worker__isnull=False).order_by("pk")[:ROWS]
        return sorted(doing.union(waiting_ones, all=True), key=_place_of), None
    wanted = ("succeeded",) if show == "done" else ENDED_BADLY
    ended = jobs.filter(status__in=wanted).order_by("-pk")
    found = list((ended.filter(pk__lt=before) if before else ended)[: ROWS + 1])
    return found[:ROWS], found[ROWS - 1].pk if len(found) > ROWS else None


def _place_of(job: Any) -> tuple[Any, ...]:
    """What is under way, then what waits as it will be taken, then what is to come, the soonest first."""
    order = ("doing", "todo", "later").index(state_of(job))
    return order, job.scheduled_at if order == 2 else datetime.min.replace(tzinfo=UTC), -job.priority, job.pk


def read_place(text: str) -> int:
    """The id before which a page begins, 0 where it can be none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def find_job(text: str) -> Any:
    job = ProcrastinateJob.objects.filter(pk=read_place(text)).first()
    if job is None:
        raise Http404(_("This job is not kept any more. Those that are done are kept for three days."))
    return job


def read_events(jobs: Iterable[Any]) -> Mapping[int, Sequence[Any]]:
    """What happened to these jobs, in order."""
    found: dict[int, list[Any]] = {}
    events: QuerySet[Any] = ProcrastinateEvent.objects.filter(job__in=[job.pk for job in jobs]).order_by("pk")
    for event in events:
        found.setdefault(event.job_id, []).append(event)
    return found


def build_rows(jobs: Sequence[Any], events: Mapping[int, Sequence[Any]]) -> list[Row]:
    about = find_about(jobs)
    owners = name_owners(jobs, about)
    return [build_row(job, events.get(job.pk, ()), about.get(job.pk), owners[job.pk]) for job in jobs]


def build_row(job: Any, events: Sequence[Any], about: About | None, owner: str) -> Row:
    state = state_of(job)
    word, tone = STATES.get(state, (job.status, "dim"))
    return Row(
        job.pk,
        label_of(job.task_name),
        about,
        owner,
        state,
        str(word),
        tone,
        moment_of(job, state, events),
        job.attempts,
        {"todo": "cancel", "later": "cancel", "failed": "retry"}.get(state, ""),
    )


def state_of(job: Any) -> str:
    is_later = job.status == "todo" and job.scheduled_at is not None and job.scheduled_at > datetime.now(UTC)
    return "later" if is_later else str(job.status)


def moment_of(job: Any, state: str, events: Sequence[Any]) -> datetime | None:
    """Since when it waits or is under way, when it is to come, or when it ended."""
    if state == "later":
        return job.scheduled_at
    wanted = {"todo": {"deferred", "deferred_for_retry", "retried"}, "doing": {"started"}}.get(state, ENDS)
    found = [event.at for event in events if event.type in wanted]
    if state == "todo" and job.scheduled_at is not None:
        found.append(job.scheduled_at)
    return max(found, default=None)


def retry(job: Any) -> tuple[bool, str]:
    """Once more, now; not where the same work is queued already."""
    if job.status != "failed":
        return False, _("This job has not failed, or is tried again already.")
    try:
        with transaction.atomic():
            app.job_manager.retry_job_by_id(job.pk, datetime.now(UTC))
    except exceptions.UniqueViolation:
        return False, _("The same work is in the queue already, so this job is not needed any more.")
    except exceptions.ConnectorException:
        return False, _("This job is tried again already.")
    return True, _("The job is tried again. Look at this page in a moment.")


def cancel(job: Any) -> tuple[bool, str]:
    """Only what has not begun."""
    if app.job_manager.cancel_job_by_id(job.pk):
        return True, _("The job was cancelled. What it was for can be begun again from its own page.")
    return False, _(
        "The job has begun already, so it cannot be cancelled here. Its own page may have a button to stop it."
    )


def note_done(request: HttpRequest, job: Any, verb: str) -> None:
    """Who took a job in hand, in the audit log."""
    about, details = f"procrastinate.procrastinatejob:{job.pk}", {"job": label_of(job.task_name), "verb": verb}
    note(AuditEntry.Action.CHANGED, by=actor_of(request), about=about, details=details, request=request)


VERBS: Final[Mapping[str, Callable[[Any], tuple[bool, str]]]] = {"retry": retry, "cancel": cancel}


# What the dashboard and the sidebar say


def read_queue_panel(request: HttpRequest) -> Mapping[str, Any]:
    state = dashboard.remembered(request, read_queue)
    return {"queue": state, "link": reverse(f"admin:{ADDRESS}_changelist")}


def read_worker_panel(request: HttpRequest) -> Mapping[str, Any] | None:
    state = dashboard.remembered(request, read_queue)
    return None if state.is_worked_off else {"queue": state}


def link_failed() -> str:
    return f"{reverse(f'admin:{ADDRESS}_changelist')}?show=failed"


may_see_jobs: Final = dashboard.may("procrastinate.view_procrastinatejob", "procrastinate.change_procrastinatejob")

dashboard.register(
    dashboard.Panel(
        name="worker",
        title=gettext_lazy("No worker is running"),
        order=0,
        template="crm/panel_worker.html",
        read=read_worker_panel,
        may_see=waiting.sees_what_waits,
        width="all",
        is_bare=True,
    )
)
dashboard.register(
    dashboard.Panel(
        name="queue",
        title=gettext_lazy("Background work"),
        order=18,
        template="crm/panel_queue.html",
        read=read_queue_panel,
        may_see=may_see_jobs,
        width="third",
    )
)
waiting.register(
    waiting.Waiting(
        name="failed_jobs",
        rows=find_failed,
        say=ngettext_lazy("%(count)s job failed since yesterday", "%(count)s jobs failed since yesterday", "number"),
        advice=gettext_lazy("The worker's log says why. Once the cause is mended, try them again from here."),
        link=link_failed,
        order=90,
        may_see=may_see_jobs,
        entry=f"{ADDRESS}_changelist",
    )
)
