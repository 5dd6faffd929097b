"""Why a contact is in a segment or is not, as a page; and finding the contact to ask about."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.actors import name_actors
from contacts.admin.journal import show_moment
from contacts.finding import read_page
from contacts.models import Contact, ContactState
from contacts.selections import Selection
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.tree import Combine
from segments.errors import AskingTookTooLong
from segments.explaining import ConditionExplained, GroupExplained, NodeExplained, SegmentExplained, explain_member
from segments.pages.page import SegmentPage
from segments.pages.words import show_sentence

__all__ = ["ExplainView", "FindView"]

FOUND_AT_MOST: Final = 20
FIND_MILLISECONDS: Final = 1_500
MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
COMBINES: Final[dict[tuple[Combine, bool], Any]] = {
    (Combine.ALL, False): gettext_lazy("All of these hold"),
    (Combine.ANY, False): gettext_lazy("At least one of these holds"),
    (Combine.NONE, False): gettext_lazy("None of these holds"),
    (Combine.ALL, True): gettext_lazy("Not all of these hold"),
    (Combine.ANY, True): gettext_lazy("Not one of these holds"),
    (Combine.NONE, True): gettext_lazy("At least one of these holds"),
}


class ExplainView(SegmentPage):
    """One segment and one contact; a merged contact's address leads to its survivor."""

    template_name = "segments/explain.html"
    contact: Contact

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        contact = Contact.objects.filter(pk=kwargs["contact_id"]).first() if kwargs["contact_id"] < 2**63 else None
        if contact is not None and contact.state == ContactState.MERGED:
            return redirect("admin:segments_segment_explain", self.segment.pk, contact.merged_into_id)
        if contact is None or contact.state == ContactState.ERASED:
            raise Http404(_("There is no such contact."))
        self.contact = contact
        self.title = _("{contact} and “{segment}”").format(contact=contact, segment=self.segment.name)
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lookups = DatabaseLookups()
        context = super().get_context_data(**kwargs) | {
            "contact": self.contact,
            "sentence": show_sentence(self.segment, lookups),
        }
        try:
            explained = explain_member(self.segment, self.contact.pk, lookups=lookups)
        except DefinitionRefused:
            return context
        except AskingTookTooLong as error:
            return context | {"stopped": _(error.message)}
        return context | {"explained": show_segment(explained), "since": explained.since}


class FindView(SegmentPage):
    """By whatever is at hand: an id, an email, a phone, a name."""

    template_name = "segments/find.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.title = _("Why is somebody in “{segment}”?").format(segment=self.segment.name)
        self.asked = request.GET.get("q", "").strip()
        self.found: list[Contact] = self.find(request) if self.asked else []
        if len(self.found) == 1:
            return redirect("admin:segments_segment_explain", self.segment.pk, self.found[0].pk)
        return super().get(request, *args, **kwargs)

    def find(self, request: HttpRequest) -> list[Contact]:
        """Whom the search of the contact list finds, the exact ones first."""
        wanted = Selection(conditions={"q": self.asked, "state": "active"}).wanted()
        page = read_page(wanted, size=FOUND_AT_MOST, milliseconds=FIND_MILLISECONDS)
        if not page.is_complete:
            messages.warning(request, _("The search for names took too long and was stopped. Write more of the name."))
        return page.rows[:FOUND_AT_MOST]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"asked": self.asked, "found": self.found}


# As the template shows it: dicts, each with what it says and its children


def show_segment(explained: SegmentExplained) -> dict[str, Any]:
    return {
        "segment": explained.segment,
        "holds": explained.is_member,
        "is_active": explained.is_active,
        "match": None if explained.match is None else show_node(explained.match),
        "exclude": None if explained.exclude is None else show_node(explained.exclude),
        "added": show_added(explained),
    }


def show_added(explained: SegmentExplained) -> str:
    if explained.added_at is None:
        return ""
    who = name_actors([explained.added_by])[explained.added_by].label
    return _("Added on {when} by {who}.").format(when=show_moment(explained.added_at), who=who)


def show_node(node: NodeExplained) -> dict[str, Any]:
    if isinstance(node, GroupExplained):
        return {
            "holds": node.holds,
            "text": COMBINES[node.combine, node.negated],
            "children": [show_node(child) for child in node.children],
        }
    return {
        "holds": node.holds,
        "text": capitalize(_("not ({condition})").format(condition=node.sentence) if node.negated else node.sentence),
        "actual": show_actual(node),
        "inner": None if node.segment is None else show_segment(node.segment),
    }


def show_actual(node: ConditionExplained) -> str:
    """What was found, for people; nothing where the condition has no value of its own."""
    if node.segment is not None or not node.has_value:
        return ""
    return show_value(node.actual)


def show_value(value: Any) -> str:
    if value is None:
        return _("not set")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(show_value, value))
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return show_moment(datetime.fromisoformat(value))
    return str(value)


def capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
