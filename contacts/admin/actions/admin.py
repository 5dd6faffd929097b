"""Bulk actions that were begun: their list, how far each is, what came of it, and the way back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts import actions, populations
from contacts.actions import Progress
from contacts.admin.actions.choosing import conditions_in_words
from contacts.admin.actions.confirm import may_act
from contacts.admin.actions.words import list_tiles, say_done, say_number, say_progress, say_what
from contacts.admin.actors import name_actors
from contacts.admin.journal import show_moment
from contacts.admin.listing import ReadOnlyAdmin, UncountedList
from contacts.admin.merges import ActorList
from contacts.formulas import disarm
from contacts.models import ActionRow, ActionStatus, Contact, ContactAction
from contacts.selections import Selection
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["ContactActionAdmin"]

S: Final = ActionStatus
UNDER_WAY: Final = (S.QUEUED, S.RUNNING, S.UNDOING)
ROWS_A_PAGE: Final = 50
LABELS: Final = {
    S.QUEUED: "info",
    S.RUNNING: "info",
    S.UNDOING: "info",
    S.PAUSED: "warning",
    S.CANCELLED: "warning",
    S.FINISHED: "success",
    S.FAILED: "danger",
}
PAUSE: Final = ("pause", gettext_lazy("Pause"), "default")
CANCEL: Final = ("cancel", gettext_lazy("Cancel the rest"), "default")
GO_ON: Final = ("resume", gettext_lazy("Go on"), "primary")
UNDO: Final = ("undo", gettext_lazy("Take it back"), "default")
BUTTONS: Final[dict[str, tuple[tuple[str, Any, str], ...]]] = {
    S.QUEUED: (PAUSE, CANCEL),
    S.RUNNING: (PAUSE, CANCEL),
    S.PAUSED: (GO_ON, CANCEL, UNDO),
    S.FAILED: (GO_ON, UNDO),
    S.CANCELLED: (UNDO,),
    S.FINISHED: (UNDO,),
}
"""By status: the verb, its button, and how it looks."""


class Button(NamedTuple):
    label: Any
    url: str
    variant: str


class ActionList(ActorList):
    """Names the segments of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        numbers = [row.choices["population"] for row in self.result_list if "population" in row.choices]
        names = populations.current().names(numbers) if numbers else {}
        for row in self.result_list:
            row.what = say_what(row, names)


@admin.register(ContactAction)
class ContactActionAdmin(ReadOnlyAdmin):
    """Nothing here is edited. Whoever sees contacts sees what was done to them."""

    list_display = ("what", "status_label", "progress", "actor", "confirmed")
    list_display_links = ("what",)

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/import.css")}

    def has_view_permission(self, request: HttpRequest, obj: ContactAction | None = None) -> bool:
        return any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return ActionList

    def get_urls(self) -> list[URLPattern]:
        return [
            self.route("<int:action_id>/change/", self.page_view, "change"),
            self.route("<int:action_id>/progress/", self.progress_view, "progress"),
            self.route("<int:action_id>/do/<slug:verb>/", self.do_view, "do"),
            self.route("<int:action_id>/left-out/", self.rows_view, "rows"),
            *super().get_urls(),
        ]

    def route(self, pattern: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        return path(pattern, self.admin_site.admin_view(view), name=f"contacts_contactaction_{name}")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:contacts_contactaction_change", object_id)

    # The list

    @display(description=gettext_lazy("what"))
    def what(self, action: Any) -> str:
        return str(action.what)

    @display(description=gettext_lazy("status"), label=LABELS)
    def status_label(self, action: ContactAction) -> tuple[str, str]:
        return action.status, str(action.get_status_display()).capitalize()

    @display(description=gettext_lazy("contacts"))
    def progress(self, action: ContactAction) -> str:
        return action.error or (say_done(action) if action.done else "—")

    @display(description=gettext_lazy("who"))
    def actor(self, action: Any) -> str:
        return str(action.actor)

    @display(description=gettext_lazy("confirmed"))
    def confirmed(self, action: ContactAction) -> str:
        return show_moment(action.created_at)

    # One of them

    def find(self, request: HttpRequest, action_id: int) -> ContactAction:
        if not self.has_view_permission(request):
            raise PermissionDenied
        action = ContactAction.objects.filter(pk=action_id).first() if action_id < 2**63 else None
        if action is None:
            raise Http404(_("There is no such action."))
        return action

    def page_view(self, request: HttpRequest, action_id: int) -> HttpResponse:
        action = self.find(request, action_id)
        may = may_act(request.user, action.verb)
        is_under_way = action.status in UNDER_WAY
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": action,
            "action": action,
            "title": say_what(action),
            "progress": describe_progress(action) if is_under_way else None,
            "progress_title": say_title(action),
            "progress_url": reverse("admin:contacts_contactaction_progress", args=[action.pk]),
            "may_import": may,
            "actions": list_buttons(action) if may else [],
            "tiles": list_tiles(action.counts),
            "undo_tiles": list_tiles(action.undo_counts, of_undo=True) if action.undo_by else [],
            "sentence": say_done(action) if action.done and not is_under_way else "",
            "facts": list_facts(action),
            **read_rows(request, action),
        }
        return TemplateResponse(request, "contacts/action.html", context)

    def progress_view(self, request: HttpRequest, action_id: int) -> HttpResponse:
        answer = JsonResponse(describe_progress(self.find(request, action_id)))
        answer["Cache-Control"] = "no-store"
        return answer

    def do_view(self, request: HttpRequest, action_id: int, verb: str) -> HttpResponse:
        action = self.find(request, action_id)
        if not may_act(request.user, action.verb):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        verbs: dict[str, Callable[[ContactAction], ContactAction]] = {
            "pause": actions.pause,
            "resume": actions.resume,
            "cancel": actions.cancel,
            "undo": lambda action: actions.undo(action, by=actor_of(request)),
        }
        if verb not in verbs:
            raise Http404(_("There is no such verb."))
        try:
            verbs[verb](action)
        except CardfileError as error:
            messages.error(request, _(error.message))
        return redirect("admin:contacts_contactaction_change", action_id)

    def rows_view(self, request: HttpRequest, action_id: int) -> HttpResponseBase:
        """Who was left out and why, as a file."""
        action = self.find(request, action_id)
        headers = {
            "Content-Disposition": f'attachment; filename="action-{action.pk}-left-out.csv"',
            "Cache-Control": "no-store",
        }
        return StreamingHttpResponse(write_rows(action), content_type="text/csv; charset=UTF-8", headers=headers)


def describe_progress(action: ContactAction) -> dict[str, Any]:
    """``state`` is another one as soon as the page should be read anew; ``percent`` is None while nobody knows."""
    view = Progress.of(action)
    percent = min(100, int(100 * view.done / view.total)) if view.total and view.done else None
    tiles = [*list_tiles(action.counts), *list_tiles(action.undo_counts, of_undo=True)]
    return {
        "state": f"{action.status} {action.wish}".strip(),
        "percent": percent,
        "line": say_progress(action, view),
        "title": say_title(action) if percent is None else f"{percent} % · {say_title(action)}",
        "counts": {tile.name: tile.shown for tile in tiles},
    }


def say_title(action: ContactAction) -> str:
    if action.status == S.UNDOING:
        return _("The action is being taken back")
    return _("The action begins in a moment") if action.status == S.QUEUED else _("The action is under way")


def list_buttons(action: ContactAction) -> list[Button]:
    """What can be done now; while a wish waits to be obeyed, nothing else."""
    found = BUTTONS.get(action.status, ()) if not action.wish else ()
    can_be_undone = bool(action.counts.get("changed")) and action.batches.exists()
    return [
        Button(label, reverse("admin:contacts_contactaction_do", args=[action.pk, verb]), variant)
        for verb, label, variant in found
        if verb != "undo" or can_be_undone
    ]


def list_facts(action: ContactAction) -> list[tuple[str, str]]:
    """Who did it when, and to whom."""
    names = name_actors(actor for actor in (action.by, action.undo_by) if actor)
    facts = [(_("Who"), names[action.by].label), (_("Confirmed"), show_moment(action.created_at))]
    if action.finished_at:
        facts.append((_("Ended"), show_moment(action.finished_at)))
    if action.undo_by:
        facts.append((_("Taken back by"), names[action.undo_by].label))
    return [*facts, (_("Chosen"), say_chosen(action))]


def say_chosen(action: ContactAction) -> str:
    try:
        selection = Selection.from_json(action.selection)
        said = conditions_in_words(selection)
    except CardfileError as error:
        return _(error.message)
    if selection.ids is not None:
        return _("{count} by hand").format(count=say_number(len(selection.ids)))
    if said:
        return ", ".join(f"{label}: {value}" for label, value in said)
    return _("All contacts") if selection.is_whole else _("All that the list showed")


def read_rows(request: HttpRequest, action: ContactAction) -> dict[str, Any]:
    """A page of those who were left out, and where to go on."""
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    found = list(ActionRow.objects.filter(action=action, pk__gt=start).order_by("pk")[: ROWS_A_PAGE + 1])
    page = found[:ROWS_A_PAGE]
    names = Contact.objects.only("first_name", "last_name", "email", "phone", "external_id", "state").in_bulk(
        [row.contact_id for row in page]
    )
    return {
        "rows": [
            {
                "contact_id": row.contact_id,
                "name": str(names[row.contact_id]) if row.contact_id in names else "",
                "of_undo": row.of_undo,
                "message": _(row.message),
            }
            for row in page
        ],
        "next_after": page[-1].pk if len(found) > ROWS_A_PAGE else None,
        "rows_url": reverse("admin:contacts_contactaction_rows", args=[action.pk]) if found else "",
    }


class Echo:
    """What a writer of CSV writes to, line by line."""

    def write(self, line: str) -> str:
        return line


def write_rows(action: ContactAction) -> Iterator[str]:
    """No cell starts a formula."""
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(["contact_id", "step", "code", "reason"])
    rows = ActionRow.objects.filter(action=action).order_by("pk")
    for contact_id, of_undo, code, message in rows.values_list("contact_id", "of_undo", "code", "message").iterator():
        yield writer.writerow([contact_id, "undo" if of_undo else "action", disarm(code), disarm(_(message))])
