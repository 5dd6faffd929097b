"""Merges: who was merged into whom, when and why, what became of it, and the way back."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Func, IntegerField, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts.admin.actors import name_actors
from contacts.admin.comparing import name_apart
from contacts.admin.journal import show_moment, show_value
from contacts.admin.listing import ReadOnlyAdmin, UncountedList
from contacts.admin.merging import MergePages, read_id
from contacts.admin.wording import KINDS, RULES, SYSTEM_LABELS, link_contact, word
from contacts.identity import UndoReport, undo_merge
from contacts.keys import Kind
from contacts.models import Contact, CustomField, Merge, MergeMove
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["MergeAdmin"]

LEFT_SHOWN: Final = 5
IDENTIFIERS_SHOWN: Final = 50
SILENT: Final = frozenset({"made_deliberately", "order_count"})
MOVED: Final[dict[str, Any]] = {
    "contacts_event": gettext_lazy("Events"),
    "contacts_order": gettext_lazy("Orders"),
    "contacts_contact": gettext_lazy("Contacts merged before"),
    "contacts_consent": gettext_lazy("Subscriptions"),
    "segments_membership": gettext_lazy("Places in static segments"),
}
"""What a merge moves beside identifiers."""


class ActorList(UncountedList):
    """Names those who did it, once for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = name_actors(row.by for row in self.result_list)
        for row in self.result_list:
            row.actor = names[row.by].label


@admin.register(Merge)
class MergeAdmin(MergePages, ReadOnlyAdmin):
    """*Undo* is the verb; it asks for the right to change contacts, as merging does."""

    list_display = ("summary", "actor", "why", "when", "undone")
    list_display_links = ("summary",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ActorList]:
        return ActorList

    def get_urls(self) -> list[URLPattern]:
        undo = path("<int:merge_id>/undo/", self.admin_site.admin_view(self.undo_view), name="contacts_merge_undo")
        return [undo, *self.list_merge_urls(), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:contacts_merge_change", object_id)

    @display(description=gettext_lazy("merge"))
    def summary(self, merge: Merge) -> str:
        return _("{loser} into {survivor}").format(loser=merge.loser_id, survivor=merge.contact_id)

    @display(description=gettext_lazy("who"))
    def actor(self, merge: Any) -> str:
        return str(merge.actor)

    @display(description=gettext_lazy("why"))
    def why(self, merge: Merge) -> str:
        return word(RULES, merge.rule) or "—"

    @display(description=gettext_lazy("when"))
    def when(self, merge: Merge) -> str:
        return show_moment(merge.at)

    @display(description=gettext_lazy("undone"))
    def undone(self, merge: Merge) -> str:
        return show_moment(merge.undone_at)

    # One merge

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """What the merge did, right after it and at any time later; nothing here is edited."""
        if request.method == "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        merge = find_merge(read_id(object_id or "") or 0)
        if merge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        may_undo = request.user.has_perm("contacts.change_contact") and merge.undone_at is None
        context = {
            **self.admin_site.each_context(request),
            **read_page(merge),
            "opts": self.opts,
            "original": merge,
            "merge": merge,
            "may_undo": may_undo,
            "is_new": "done" in request.GET and merge.undone_at is None,
            "from_inbox": read_id(request.GET.get("case", "")) is not None,
        }
        return TemplateResponse(request, "contacts/merged.html", context)

    # Taking it back

    def undo_view(self, request: HttpRequest, merge_id: int) -> HttpResponse:
        """Ask first, then take the merge back and say what could not go back."""
        if not request.user.has_perm("contacts.change_contact"):
            raise PermissionDenied
        merge = find_merge(merge_id)
        if merge is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(merge_id))
        if request.method == "POST":
            return self.undo(request, merge)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Undo a merge"),
            "opts": self.opts,
            "merge": merge,
            "original": merge,
        }
        return TemplateResponse(request, "contacts/undo_merge.html", context)

    def undo(self, request: HttpRequest, merge: Merge) -> HttpResponse:
        try:
            report = undo_merge(merge.pk, by=actor_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
            return redirect("admin:contacts_merge_change", merge.pk)
        say_report(request, report)
        return redirect(reverse("admin:contacts_contact_change", args=[report.loser_id]))


def find_merge(merge_id: int) -> Merge | None:
    return Merge.objects.filter(pk=merge_id).first() if 0 < merge_id < 2**63 else None


def read_page(merge: Merge) -> dict[str, Any]:
    """What the merge did: filled, moved, dropped, and by whom."""
    contacts = Contact.objects.in_bulk([merge.contact_id, merge.loser_id])
    both = [contacts[pk] for pk in (merge.contact_id, merge.loser_id) if pk in contacts]
    known = dict(zip((one.pk for one in both), name_apart(*both), strict=True))
    names = {pk: known.get(pk, str(pk)) for pk in (merge.contact_id, merge.loser_id)}
    labels = {f"fields.{one.key}": one.label for one in CustomField.objects.all()}
    actors = name_actors({merge.by, merge.undone_by} - {""})
    moved, dropped = read_identifiers(merge)
    title = _("{loser} was merged into {survivor}")
    return {
        "title": title.format(loser=names[merge.loser_id], survivor=names[merge.contact_id]),
        "survivor_name": names[merge.contact_id],
        "loser_name": names[merge.loser_id],
        "actor": actors[merge.by],
        "undone_by": actors.get(merge.undone_by),
        "why": word(RULES, merge.rule),
        "filled": list_filled(merge, labels),
        "moved": moved[:IDENTIFIERS_SHOWN],
        "more_moved": max(len(moved) - IDENTIFIERS_SHOWN, 0),
        "dropped": dropped[:IDENTIFIERS_SHOWN],
        "rows": count_moved(merge),
    }


def read_identifiers(merge: Merge) -> tuple[list[Any], list[Any]]:
    """(kind, value) of those that moved, and of those that both had."""
    kept = merge.identifiers if isinstance(merge.identifiers, dict) else {"moved": merge.identifiers}
    moved, dropped = (
        [(word(KINDS, kind), value) for kind, _app, value in kept.get(name, ()) if kind != Kind.ORDER]
        for name in ("moved", "dropped")
    )
    return moved, dropped


def list_filled(merge: Merge, labels: dict[str, str]) -> list[dict[str, Any]]:
    """The fields that the merge wrote on the survivor: what they were and what they became."""
    return [
        {
            "label": labels.get(column) or word(SYSTEM_LABELS, column.removeprefix("fields.")),
            "before": show_value(column, before),
            "after": show_value(column, after),
        }
        for column, (before, after) in merge.filled.items()
        if column not in SILENT and not column.endswith(("_state", "_state_at", "_state_reason"))
    ]


def count_moved(merge: Merge) -> list[tuple[str, int]]:
    """How much of what else went over."""
    size = Func(F("row_ids"), function="cardinality", output_field=IntegerField())
    rows = MergeMove.objects.filter(contact_id=merge.contact_id, merge_id=merge.pk).values("table")
    found = dict(rows.annotate(size=Sum(size)).values_list("table", "size"))
    return [(str(label), found[table]) for table, label in MOVED.items() if found.get(table)]


def say_report(request: HttpRequest, report: UndoReport) -> None:
    """That it was undone, and what stayed with the survivor."""
    text = _("The merge was undone. This contact is back; the other one is {survivor}.")
    messages.success(request, format_html(text, survivor=link_contact(report.survivor_id)))
    for left in report.left[:LEFT_SHOWN]:
        what = word(SYSTEM_LABELS, left.what.removeprefix("fields."))
        messages.warning(
            request, _("Stayed behind: {what} {value}. {why}").format(what=what, value=left.value, why=_(left.why))
        )
    if len(report.left) > LEFT_SHOWN:
        messages.warning(request, _("{count} more things stayed behind.").format(count=len(report.left) - LEFT_SHOWN))
