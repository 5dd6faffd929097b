"""The History tab of the sheet: a page of the journal at a time, and one change of it taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.absence import SheetFinder
from contacts.admin.actors import name_actors
from contacts.admin.journal import Line, read_entry, read_history, read_lines, show_moment, show_value
from contacts.admin.panels import list_merges
from contacts.admin.wording import SYSTEM_LABELS, link_contact, word
from contacts.columns import CUSTOM_PREFIX
from contacts.identity import TakeBackReport, take_back_change
from contacts.identity.errors import DeleteInstead, MergeInstead
from contacts.identity.going_back import InTheWay, Restored
from contacts.identity.revert import PARTS, Because
from contacts.models import Change, ChangeKind, Contact, CustomField
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["HistoryVerbs"]

LONGEST_NUMBER: Final = 18
TOLD: Final = 5
REASONS: Final[dict[str, Any]] = {
    Because.CHANGED: gettext_lazy("It was changed since."),
    Because.TAKEN: gettext_lazy("Somebody else has it by now."),
    Because.MERGED: gettext_lazy("A later merge concerns it."),
    Because.USED: gettext_lazy("It is in use there since."),
    Because.ERASED: gettext_lazy("It was erased, and nothing brings it back."),
    Because.ADDRESS: gettext_lazy("The state belongs to the address, and somebody decided on it since."),
    Because.UNFIT: gettext_lazy("The field is gone, or does not take this value any more."),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that stays as it is, in words; ``column`` is what to send where it shall go back anyway."""

    label: str
    current: str | SafeString
    why: str | SafeString
    column: str = ""


@dataclass(frozen=True, slots=True)
class Back:
    """What goes back on one contact; ``other`` where it is another one than the history is of."""

    other: SafeString | str
    lines: list[Line]


class HistoryVerbs(SheetFinder):
    """Whoever may see the contact reads its history; whoever may change it takes changes back."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:contact_id>/journal/", wrap(self.journal_view), name="contacts_contact_journal"),
            path(
                "<int:contact_id>/journal/<int:change_id>/take-back/",
                wrap(self.take_back_view),
                name="contacts_contact_take_back",
            ),
            *super().get_urls(),
        ]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The journal is on the sheet."""
        return redirect(reverse("admin:contacts_contact_change", args=[object_id]) + "#history")

    def journal_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """The history as the tab shows it; ``?rows=1`` is for it to be narrowed, ``?before=7`` to grow by."""
        contact = self.find_sheet(request, contact_id)
        if contact is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        before, kind = request.GET.get("before", ""), request.GET.get("kind", "")
        kind = kind if kind in ChangeKind.values else ""
        number = int(before) if before.isascii() and before.isdecimal() and len(before) <= LONGEST_NUMBER else None
        entries, older = read_history(contact_id, labels=custom_labels(), before=number, kind=kind)
        may_change = self.has_change_permission(request, contact)
        context = {
            "entries": entries,
            "older": older,
            "kind": kind,
            "kinds": ChangeKind.choices,
            "contact_id": contact_id,
            "may_change": may_change,
            "has_change_permission": may_change,
        }
        if before or "rows" in request.GET:
            return TemplateResponse(request, "contacts/history_rows.html", context)
        return TemplateResponse(request, "contacts/history.html", context | {"merges": list_merges(contact)})

    def take_back_view(self, request: HttpRequest, contact_id: int, change_id: int) -> HttpResponse:
        """Say what goes back and what stands in the way, then do it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        contact = self.find_sheet(request, contact_id)
        if contact is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        change = Change.objects.filter(contact_id=contact_id, pk=change_id).first() if change_id < 2**63 else None
        if change is None:
            messages.warning(request, _("This contact has no such change any more."))
            return redirect(history_of(contact_id))
        if change.kind == ChangeKind.MERGED and change.merge_id is not None:
            return redirect("admin:contacts_merge_undo", change.merge_id)
        anyway = request.POST.getlist("anyway") if request.method == "POST" else ()
        by = actor_of(request)
        try:
            report = take_back_change(contact_id, change_id, by=by, anyway=anyway, dry_run=request.method != "POST")
        except CardfileError as error:
            return self.show_taking_back(request, contact, change, custom_labels(), refusal_context(error))
        labels = custom_labels()
        if request.method == "POST":
            say_report(request, report, labels)
            return redirect(history_of(contact_id))
        return self.show_taking_back(request, contact, change, labels, report_context(report, labels))

    def show_taking_back(
        self,
        request: HttpRequest,
        contact: Contact,
        change: Change,
        labels: Mapping[str, str],
        more: Mapping[str, Any],
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Take a change back"),
            "opts": self.opts,
            "contact": contact,
            "original": contact,
            "entry": read_entry(change, labels=labels),
            "contact_id": contact.pk,
            "back": history_of(contact.pk),
            "may_delete": self.has_delete_permission(request, contact),
            **more,
        }
        return TemplateResponse(request, "contacts/take_back.html", context)


def history_of(contact_id: int) -> str:
    return reverse("admin:contacts_contact_change", args=[contact_id]) + "#history"


def custom_labels() -> dict[str, str]:
    return {f"{CUSTOM_PREFIX}{field.key}": field.label for field in CustomField.objects.all()}


def refusal_context(error: CardfileError) -> dict[str, Any]:
    """Why it cannot be taken back, and what to do instead."""
    context: dict[str, Any] = {"refusal": _(error.message)}
    if isinstance(error, DeleteInstead):
        context["delete_instead"] = True
    elif isinstance(error, MergeInstead):
        context["merge_sides"] = (error.survivor_id, error.loser_id)
    return context


def report_context(report: TakeBackReport, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "backs": list(show_backs(report.contact_id, report.restored, labels)),
        "kept": show_kept(report, labels),
    }


def show_backs(contact_id: int, restored: Sequence[Restored], labels: Mapping[str, str]) -> Iterable[Back]:
    for pk in dict.fromkeys(went.contact_id for went in restored):
        own = [went for went in restored if went.contact_id == pk and went.column not in PARTS - {"email_state"}]
        was, now = {went.column: went.was for went in own}, {went.column: went.now for went in own}
        yield Back("" if pk == contact_id else link_contact(pk), read_lines(was, now, labels))


def show_kept(report: TakeBackReport, labels: Mapping[str, str]) -> list[Kept]:
    names = name_actors(left.by for left in report.left if left.by)
    return [
        Kept(
            label=labels.get(left.column) or word(SYSTEM_LABELS, left.column.removeprefix(CUSTOM_PREFIX)),
            current=show_value(left.column, left.current),
            why=_say_why(left, names[left.by].label if left.by else "", report.contact_id),
            column=left.column if left.can_be_forced else "",
        )
        for left in report.left
    ]


def _say_why(left: InTheWay, who: str, contact_id: int) -> str | SafeString:
    parts: list[str | SafeString] = []
    if left.contact_id != contact_id:
        parts.append(format_html(_("On contact {contact}:"), contact=link_contact(left.contact_id)))
    if left.because == Because.CHANGED and left.at is not None:
        parts.append(format_html(_("{who} changed it on {when}."), who=who, when=show_moment(left.at)))
    elif left.because == Because.TAKEN and left.other_id is not None:
        parts.append(format_html(_("Contact {contact} has it by now."), contact=link_contact(left.other_id)))
    else:
        parts.append(word(REASONS, left.because))
    return format_html("{} " * (len(parts) - 1) + "{}", *parts)


def say_report(request: HttpRequest, report: TakeBackReport, labels: Mapping[str, str]) -> None:
    """That it was taken back, and what stayed as it is."""
    if report.restored and not report.left:
        messages.success(request, _("The change was taken back."))
    elif report.restored:
        messages.success(request, _("The change was taken back in part."))
    else:
        messages.warning(request, _("Nothing was taken back."))
    for kept in show_kept(report, labels)[:TOLD]:
        text = _("{label} stays as it is. {why}")
        messages.warning(request, format_html(text, label=kept.label, why=kept.why))
