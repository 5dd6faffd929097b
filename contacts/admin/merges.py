"""Merges: who was merged into whom, when and why, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from contacts.admin.actors import name_actors
from contacts.admin.journal import show_moment, show_value
from contacts.admin.listing import ReadOnlyAdmin, UncountedList
from contacts.admin.wording import KINDS, RULES, SYSTEM_LABELS, link_contact, word
from contacts.identity import UndoReport, undo_merge
from contacts.models import Merge
from crm.errors import CardfileError

__all__ = ["MergeAdmin"]

LEFT_SHOWN = 5


class ActorList(UncountedList):
    """Names those who did it, once for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        names = name_actors(row.by for row in self.result_list)
        for row in self.result_list:
            row.actor = names[row.by].label


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    """*Undo* is the verb; it asks for the right to change contacts."""

    list_display = ("summary", "actor", "why", "when", "undone")
    list_display_links = ("summary",)
    fields = ("survivor", "loser", "when", "why", "filled_shown", "moved_shown", "undone")
    readonly_fields = fields
    change_form_outer_after_template = "contacts/merge_undo.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ActorList]:
        return ActorList

    def get_urls(self) -> list[URLPattern]:
        undo = path("<int:merge_id>/undo/", self.admin_site.admin_view(self.undo_view), name="contacts_merge_undo")
        return [undo, *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return redirect("admin:contacts_merge_change", object_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "show_history": False})

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
        return show_moment(merge.undone_at) if merge.undone_at else "—"

    @display(description=gettext_lazy("Survivor"))
    def survivor(self, merge: Merge) -> SafeString:
        return link_contact(merge.contact_id)

    @display(description=gettext_lazy("Merged contact"))
    def loser(self, merge: Merge) -> SafeString:
        return link_contact(merge.loser_id)

    @display(description=gettext_lazy("Filled fields"))
    def filled_shown(self, merge: Merge) -> str | SafeString:
        lines = (
            (word(SYSTEM_LABELS, column.removeprefix("fields.")), show_value(column, values[1]))
            for column, values in merge.filled.items()
        )
        return format_html_join("", "<div>{}: {}</div>", lines) or "—"

    @display(description=gettext_lazy("Moved identifiers"))
    def moved_shown(self, merge: Merge) -> str | SafeString:
        moved = merge.identifiers.get("moved", []) if isinstance(merge.identifiers, dict) else merge.identifiers
        return (
            format_html_join("", "<div>{}: {}</div>", ((word(KINDS, kind), value) for kind, _app, value in moved))
            or "—"
        )

    def undo_view(self, request: HttpRequest, merge_id: int) -> HttpResponse:
        """Ask first, then take the merge back and say what could not go back."""
        if not request.user.has_perm("contacts.change_contact"):
            raise PermissionDenied
        merge = Merge.objects.filter(pk=merge_id).first()
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
            "media": self.media,
        }
        return TemplateResponse(request, "contacts/undo_merge.html", context)

    def undo(self, request: HttpRequest, merge: Merge) -> HttpResponse:
        try:
            report = undo_merge(merge.pk, by=f"user:{request.user.pk}")
        except CardfileError as error:
            messages.error(request, _(error.message))
            return redirect("admin:contacts_merge_change", merge.pk)
        say_report(request, report)
        return redirect(reverse("admin:contacts_contact_change", args=[report.loser_id]))


def say_report(request: HttpRequest, report: UndoReport) -> None:
    """That it was undone, and what stayed with the survivor."""
    text = _("The merge was undone. This contact is back; the other one is {survivor}.")
    messages.success(request, format_html(text, survivor=link_contact(report.survivor_id)))
    for left in report.left[:LEFT_SHOWN]:
        messages.warning(request, _("Stayed behind: {what} {value}. {why}").format(**left._asdict()))
    if len(report.left) > LEFT_SHOWN:
        messages.warning(request, _("{count} more things stayed behind.").format(count=len(report.left) - LEFT_SHOWN))
