"""The buttons of an import, each of them one verb; and the undo, which is asked for twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.imports.doors import address_of, find_import, go_on, render, require
from contacts.admin.imports.mails import has_waiting_mails
from contacts.admin.imports.words import say_number
from contacts.imports import flow
from contacts.models import Import, ImportContent, ImportStatus
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["Action", "do_view", "is_lost", "list_actions", "undo_view"]

Verb = Callable[[Import], Import]

VERBS: Final[dict[str, Verb]] = {
    "preview": flow.start_preview,
    "start": flow.start,
    "pause": flow.pause,
    "resume": flow.resume,
    "cancel": flow.cancel,
    "stop_mails": flow.stop_mails,
}
"""By the name in the address."""

PAUSE: Final = ("pause", gettext_lazy("Pause"), "default")
CANCEL: Final = ("cancel", gettext_lazy("Cancel the rest"), "default")
ACTIONS: Final[dict[str, tuple[tuple[str, Any, str], ...]]] = {
    ImportStatus.PREVIEWING: (("cancel", gettext_lazy("Stop the preview"), "default"),),
    ImportStatus.PREVIEWED: (
        ("preview", gettext_lazy("Make the preview again"), "default"),
        ("start", gettext_lazy("Import now"), "primary"),
    ),
    ImportStatus.QUEUED: (PAUSE, ("cancel", gettext_lazy("Cancel"), "default")),
    ImportStatus.RUNNING: (PAUSE, CANCEL),
    ImportStatus.PAUSED: (("resume", gettext_lazy("Go on"), "primary"), CANCEL),
    ImportStatus.FAILED: (("resume", gettext_lazy("Go on where it stopped"), "primary"),),
    ImportStatus.FINISHED: (("stop_mails", gettext_lazy("Stop the mails that wait"), "default"),),
}
"""By status: the verb, its button, and how it looks."""

UNDO_LINES: Final[dict[str, Any]] = {
    "created": gettext_lazy("Contacts that it made: {count}. They go, unless something else happened to them since."),
    "updated": gettext_lazy("Contacts that it changed: {count}. They get their old values back."),
    "restored": gettext_lazy("Contacts that it restored: {count}. They are deleted again."),
    "deleted": gettext_lazy("Contacts that it deleted: {count}. They come back."),
    "merged": gettext_lazy("Contacts that it merged: {count}. They are contacts of their own again."),
}
ORDER_LINES: Final[dict[str, Any]] = {
    "created": gettext_lazy("Orders that it made: {count}. They go, with their events."),
    "updated": gettext_lazy("Orders that it changed: {count}. They become what they were."),
    "contacts": gettext_lazy("Contacts that it made: {count}. They go, unless something else hangs on them by now."),
}


class Action(NamedTuple):
    """One button; it posts to ``url``."""

    label: Any
    url: str
    variant: str


def list_actions(run: Import) -> list[Action]:
    """What can be done now; while a wish waits to be obeyed, nothing else."""
    found = ACTIONS.get(run.status, ()) if not run.wish else ()
    return [
        Action(label, reverse("admin:contacts_import_do", args=[run.pk, verb]), variant)
        for verb, label, variant in found
        if _makes_sense(run, verb)
    ]


def _makes_sense(run: Import, verb: str) -> bool:
    """A preview is made again when cells were corrected since, or when it was lost; what never began cannot go on."""
    if verb == "preview":
        return run.fixes.exists() or is_lost(run)
    if verb == "stop_mails":
        return has_waiting_mails(run)
    if verb == "resume" and run.status == ImportStatus.FAILED:
        return bool(run.rows_done) and run.undo_total is None
    return True


def is_lost(run: Import) -> bool:
    """Whether the rows of a preview are gone: their table does not outlive a crash of the database."""
    return bool(run.preview_rows_done) and not run.preview_rows.exists()


def do_view(admin: Any, request: HttpRequest, import_id: int, verb: str) -> HttpResponse:
    require(admin.has_add_permission(request))
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    run, by = find_import(import_id), actor_of(request)
    if verb == "again":
        return do(request, run, lambda run: flow.again(run, by=by))
    if verb not in VERBS:
        raise Http404(_("There is no such verb."))
    return do(request, run, VERBS[verb])


def do(request: HttpRequest, run: Import, verb: Verb) -> HttpResponse:
    """The verb, and on to where the import stands then; a refusal is a message."""
    try:
        moved = verb(run)
    except CardfileError as error:
        return go_on(request, run, error=error)
    return go_on(request, moved)


def undo_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """Says what will happen; the button does it."""
    require(admin.has_add_permission(request))
    run = find_import(import_id)
    if request.method == "POST":
        return do(request, run, lambda run: flow.start_undo(run, by=actor_of(request)))
    if not run.rows_done or run.status == ImportStatus.UNDONE:
        return redirect(address_of(run))
    lines, page_url = list(explain_undo(run)), address_of(run)
    return render(admin, request, "import_undo.html", run, "change", lines=lines, page_url=page_url)


def explain_undo(run: Import) -> Iterable[str]:
    """What the undo will do, by what the import did."""
    of_orders = run.content == ImportContent.ORDERS
    for name, text in (ORDER_LINES if of_orders else UNDO_LINES).items():
        if run.counts.get(name):
            yield str(text).format(count=say_number(run.counts[name]))
    if not of_orders:
        yield _("Memberships, consents and events that came with it go back as well.")
    yield _("What somebody changed since the import is kept as it is now, and you get a list of it.")
