"""Warehouses: the list, the form, and what can be done beside it: test, choose tables, run, cancel."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contacts.admin.journal import show_moment
from contacts.admin.warehouse.forms import SECRETS, SETTINGS, TargetForm
from contacts.admin.warehouse.tables import choices_of, keep_choices, read_choices, show_sets
from contacts.admin.warehouse.words import (
    STATUS_LABELS,
    STATUS_WORDS,
    describe_progress,
    open_run,
    say_schedule,
    say_where,
    show_runs,
    show_tables,
    status_of,
)
from contacts.exports.warehouse.choosing import choose_all, kinds_there_are
from contacts.exports.warehouse.flow import OPEN, cancel_run, check_target, save_target, start_run
from contacts.models import ExportRun, ExportTarget, RunKind, RunStatus, TargetKind
from crm.admin.own_page import OwnPage
from crm.admin.waiting import forget_counts
from crm.audit import Action, about, actor_of, note, noted_change
from crm.errors import CardfileError, Refused

__all__ = ["ExportTargetAdmin"]


@admin.register(ExportTarget)
class ExportTargetAdmin(OwnPage, ModelAdmin):
    """The form saves through the verb. Every page asks for the right to export contacts too."""

    form = TargetForm
    list_display = ("name", "where", "status_label", "last_run", "next_run", "error_shown")
    list_display_links = ("name",)
    list_disable_select_all = True
    ordering = ("name", "pk")
    sortable_by = ()
    actions = None
    change_form_outer_after_template = "contacts/warehouse/state.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/import.css", "contacts/warehouse.css")}

    # Who may

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_export(request) and bool(super().has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_export(request) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_export(request) and bool(super().has_delete_permission(request, obj))

    # The form

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:target_id>/do/<slug:verb>/", wrap(self.do_view), name="contacts_exporttarget_do"),
            path("<int:target_id>/tables/", wrap(self.tables_view), name="contacts_exporttarget_tables"),
            path("<int:target_id>/progress/", wrap(self.progress_view), name="contacts_exporttarget_progress"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = TargetKind(obj.kind) if obj else asked_kind(request)
        place = [SECRETS[kind], *SETTINGS[kind]]
        if not self.has_change_permission(request, obj):
            place = []  # its card says where it is
        return [
            (None, {"fields": ["name", "kind", *place]}),
            (gettext_lazy("What and when"), {"fields": ["deletions", "every_minutes", "cron", "is_active", "owner"]}),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.asked_kind = None if obj else asked_kind(request)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, "every_minutes": 60, "kind": asked_kind(request).value}

    def save_model(self, request: HttpRequest, obj: ExportTarget, form: TargetForm, change: bool) -> None:
        with noted_change(obj, request=request, hidden=("secret",)):
            save_target(obj, secret=form.typed_secret)
            if not change:
                choose_all(obj)

    def delete_model(self, request: HttpRequest, obj: ExportTarget) -> None:
        note(Action.DELETED, by=actor_of(request), about=about(obj), details={"name": obj.name}, request=request)
        super().delete_model(request, obj)
        messages.info(
            request, _("Its tables stay in the warehouse as they are. Remove them there if nobody reads them.")
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """Its tables and runs go along, though nobody deletes them by themselves."""
        found, counts, _permissions, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:  # changed by somebody else since the form was checked
            messages.error(request, _(refused.errors[0].message))
        except CardfileError as error:
            messages.error(request, _(error.message))
        return redirect(request.path)

    def read_state(self, request: HttpRequest, target: ExportTarget) -> dict[str, Any]:
        run = open_run(target)
        runs = show_runs(target)
        has_run = any(one.status == RunStatus.FINISHED for one in runs)
        status = status_of(target, is_under_way=run is not None, has_run=has_run)
        failed = target.runs.filter(status=RunStatus.FAILED).order_by("-pk").first() if target.failed_at else None
        return {
            "target": target,
            "status": status,
            "status_words": STATUS_WORDS[status],
            "where": say_where(target),
            "schedule": say_schedule(target),
            "error": _(failed.error) if failed else "",
            "tables": show_tables(target),
            "runs": runs,
            "run": run,
            "progress": describe_progress(run) if run else None,
        }

    # What the buttons do

    def do_view(self, request: HttpRequest, target_id: int, verb: str) -> HttpResponse:
        verbs = {"test": self.test, "run": self.run, "full": self.run_full, "cancel": self.cancel}
        if request.method != "POST" or verb not in verbs or not self.has_change_permission(request):
            raise PermissionDenied
        verbs[verb](request, get_object_or_404(ExportTarget, pk=target_id))
        return redirect("admin:contacts_exporttarget_change", target_id)

    def test(self, request: HttpRequest, target: ExportTarget) -> None:
        problems = check_target(target)
        for problem in problems:
            messages.error(request, _(problem.message))
        if not problems:
            messages.success(request, _("The connection works, and tables can be made and written there."))

    def run(self, request: HttpRequest, target: ExportTarget) -> None:
        self.start(request, target, RunKind.INCREMENTAL)

    def run_full(self, request: HttpRequest, target: ExportTarget) -> None:
        self.start(request, target, RunKind.FULL)

    def start(self, request: HttpRequest, target: ExportTarget, kind: RunKind) -> None:
        try:
            run = start_run(target, kind, by=actor_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
            return
        forget_counts()
        details = {"name": target.name, "run": run.pk, "kind": kind.value}
        note(Action.EXPORTED, by=actor_of(request), about=about(target), details=details, request=request)
        messages.success(request, _("It begins in a moment. This page shows how far it is."))

    def cancel(self, request: HttpRequest, target: ExportTarget) -> None:
        run = open_run(target)
        if run is None:
            messages.info(request, _("Nothing is under way any more."))
            return
        cancel_run(run)
        text = _("It stops after the rows that are under way. What is there stays, and the next run goes on from it.")
        messages.success(request, text)

    def progress_view(self, request: HttpRequest, target_id: int) -> HttpResponse:
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        run = ExportRun.objects.filter(target_id=target_id).select_related("target").order_by("-pk").first()
        answer = JsonResponse(
            describe_progress(run) if run else {"state": "", "percent": None, "line": "", "counts": {}}
        )
        answer["Cache-Control"] = "no-store"
        return answer

    # Which tables and columns

    def tables_view(self, request: HttpRequest, target_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        target = get_object_or_404(ExportTarget, pk=target_id)
        choice, errors = choices_of(target), []
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            choice = read_choices(request.POST)
            try:
                messages.success(request, keep_choices(target, choice, request))
                return redirect("admin:contacts_exporttarget_change", target.pk)
            except Refused as refused:
                errors = refused.errors
        return self.show_choices(request, target, show_sets(target, choice, errors), errors)

    def show_choices(self, request: HttpRequest, target: ExportTarget, sets: list[Any], errors: Any) -> HttpResponse:
        slugs = {one.slug for one in sets}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": target,
            "title": _("Tables and columns"),
            "sets": sets,
            "others": [_(error.message) for error in errors if error.path.partition(".")[0] not in slugs],
            "target_url": reverse("admin:contacts_exporttarget_change", args=[target.pk]),
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "contacts/warehouse/tables.html", context, status=400 if errors else 200)

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExportTarget]:
        runs = ExportRun.objects.filter(target=OuterRef("pk"))
        newest = runs.order_by("-pk")
        found: QuerySet[ExportTarget] = super().get_queryset(request)
        return found.annotate(
            is_under_way=Exists(runs.filter(status__in=OPEN)),
            ran_at=newest.filter(status=RunStatus.FINISHED).values("finished_at")[:1],
            last_error=newest.filter(status=RunStatus.FAILED).values("error")[:1],
        )

    @display(description=gettext_lazy("where"))
    def where(self, target: ExportTarget) -> str:
        return say_where(target)

    @display(description=gettext_lazy("status"), label=STATUS_LABELS)
    def status_label(self, target: Any) -> tuple[str, str]:
        status = status_of(target, is_under_way=target.is_under_way, has_run=target.ran_at is not None)
        return status, str(STATUS_WORDS[status])

    @display(description=gettext_lazy("last complete run"))
    def last_run(self, target: Any) -> str:
        return show_moment(target.ran_at)

    @display(description=gettext_lazy("next run"))
    def next_run(self, target: ExportTarget) -> str:
        return show_moment(target.next_run_at if target.is_active else None)

    @display(description=gettext_lazy("error"))
    def error_shown(self, target: Any) -> str:
        return _(target.last_error) if target.failed_at and target.last_error else "—"


def asked_kind(request: HttpRequest) -> TargetKind:
    """A form is of one kind: PostgreSQL, unless the address says ``?kind=``."""
    asked = request.GET.get("kind", "")
    return next((kind for kind in kinds_there_are() if kind.value == asked), TargetKind.POSTGRESQL)


def may_export(request: HttpRequest) -> bool:
    """Contacts leave the house by it: who may not export them may not send them anywhere either."""
    return bool(request.user.has_perm("contacts.export_contact"))
