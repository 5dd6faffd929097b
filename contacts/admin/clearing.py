"""Merging all clear cases: asked first, followed while it goes on, taken back as a whole."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.admin.actors import name_actors
from contacts.admin.journal import show_moment
from contacts.identity.clearing import MOST, clear_waiting, count_clear, stop_clearing, take_back_clearing
from contacts.models import Clearing, Contact, Merge
from crm.admin.waiting import forget_counts
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["ClearingPages"]

SHOWN: Final = 10
MERGES_SHOWN: Final = 20


class ClearingPages:
    """Hung into the admin of duplicate cases."""

    admin_site: Any
    opts: Any
    may_decide: Any
    has_view_permission: Any

    def list_clearing_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("clear/", wrap(self.clear_view), name="contacts_duplicatecase_clear"),
            path("clear/<int:clearing_id>/", wrap(self.clearing_view), name="contacts_duplicatecase_clearing"),
        ]

    def clear_view(self, request: HttpRequest) -> HttpResponse:
        """How many there are and what happens to them; POST merges them."""
        if not self.may_decide(request):
            raise PermissionDenied
        if request.method == "POST":
            return self.clear(request)
        context = {"title": _("Merge all clear cases"), "count": count_clear(MOST)}
        return self.render_page(request, "contacts/duplicates_clear.html", context)

    def clear(self, request: HttpRequest) -> HttpResponse:
        try:
            clearing = clear_waiting(by=actor_of(request))
        except CardfileError as error:
            messages.info(request, _(error.message))
            return redirect("admin:contacts_duplicatecase_changelist")
        forget_counts()
        return redirect("admin:contacts_duplicatecase_clearing", clearing.pk)

    def clearing_view(self, request: HttpRequest, clearing_id: int) -> HttpResponse:
        """How far it is and what came of it; POST stops it, or takes it back."""
        may_decide = self.may_decide(request)
        if not (may_decide if request.method == "POST" else self.has_view_permission(request)):
            raise PermissionDenied
        clearing = Clearing.objects.filter(pk=clearing_id).first() if clearing_id < 2**63 else None
        if clearing is None:
            raise Http404(_("There is no such merging of clear cases."))
        if request.method == "POST":
            return self.change_clearing(request, clearing)
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse(read_progress(clearing))
        return self.render_page(
            request, "contacts/duplicates_clearing.html", read_page(clearing, may_decide=may_decide)
        )

    def change_clearing(self, request: HttpRequest, clearing: Clearing) -> HttpResponse:
        verb = request.POST.get("verb", "")
        if verb == "stop":
            stop_clearing(clearing.pk)
            messages.info(
                request, _("It stops after the cases that are being merged now. The others stay in the inbox.")
            )
        elif verb == "undo":
            take_back_clearing(clearing.pk, by=actor_of(request))
        forget_counts()
        return redirect("admin:contacts_duplicatecase_clearing", clearing.pk)

    def render_page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, frame)


def read_page(clearing: Clearing, *, may_decide: bool) -> dict[str, Any]:
    progress = read_progress(clearing)
    actors = name_actors({clearing.by, clearing.undo_by} - {""})
    is_under_way = progress["state"] in ("running", "undoing")
    return {
        "title": _("Merging all clear cases"),
        "clearing": clearing,
        "progress": progress,
        "progress_url": reverse("admin:contacts_duplicatecase_clearing", args=[clearing.pk]),
        "is_under_way": is_under_way,
        "actor": actors[clearing.by],
        "started": show_moment(clearing.created_at),
        "merges": list_merges(clearing) if not is_under_way else [],
        "may_stop": may_decide and progress["state"] == "running" and not clearing.is_stopped,
        "may_undo": may_decide and progress["state"] == "done" and clearing.merged > 0,
    }


def read_progress(clearing: Clearing) -> dict[str, Any]:
    """What the page asks for again and again."""
    state, done, total = "done", clearing.done, clearing.total
    if clearing.finished_at is None:
        state = "running"
    elif clearing.undo_started_at is not None:
        state = "undone" if clearing.undo_finished_at is not None else "undoing"
        done, total = clearing.undone + clearing.kept, clearing.merged
    return {
        "state": state,
        "percent": min(100, 100 * done // total) if total else None,
        "line": say_progress(clearing, state),
        "title": _("Merging all clear cases"),
        "counts": {},
    }


def say_progress(clearing: Clearing, state: str) -> str:
    if clearing.error and state in ("running", "undoing"):
        return clearing.error
    if state == "running":
        return _("{done} of {total} cases so far.").format(done=clearing.done, total=clearing.total)
    if state == "undoing":
        return _("{done} of {total} merges undone so far.").format(done=clearing.undone, total=clearing.merged)
    merged = ngettext("%(count)d contact was merged.", "%(count)d contacts were merged.", clearing.merged)
    parts = [merged % {"count": clearing.merged}]
    if clearing.left:
        left = ngettext(
            "%(count)d case was not clear any more and stays in the inbox.",
            "%(count)d cases were not clear any more and stay in the inbox.",
            clearing.left,
        )
        parts.append(left % {"count": clearing.left})
    if state == "undone":
        undone = ngettext("%(count)d merge was undone.", "%(count)d merges were undone.", clearing.undone)
        parts.append(undone % {"count": clearing.undone})
        if clearing.kept:
            parts.append(_("{count} could not be undone; look at them one by one.").format(count=clearing.kept))
    return " ".join(parts)


def list_merges(clearing: Clearing) -> list[dict[str, Any]]:
    """The last of its merges, each with both names."""
    merges = list(Merge.objects.filter(clearing_id=clearing.pk).order_by("-pk")[:MERGES_SHOWN])
    names = Contact.objects.in_bulk({pk for merge in merges for pk in (merge.contact_id, merge.loser_id)})
    return [
        {"merge": merge, "loser": names[merge.loser_id], "survivor": names[merge.contact_id]}
        for merge in merges
        if {merge.loser_id, merge.contact_id} <= names.keys()
    ]
