"""What a definition that is being edited means: its sentence or its errors, how many it has, who comes and goes.

Asked for in two parts, so that the first is there while somebody still types: the sentence with a count, which is an
estimate where the exact one takes too long; then the exact count, a sample, and the difference to what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Contact
from crm.errors import CardfileError
from segments.catalogue import check_definition
from segments.conditions.errors import DefinitionRefused, UnknownSegment, WrongShape
from segments.conditions.lookups import DatabaseLookups
from segments.conditions.references import named_kinds
from segments.counting import Difference, Estimate, Side, diff_members, estimate_members, sample_members
from segments.errors import AskingTookTooLong
from segments.membership import count_members
from segments.models import Segment, SegmentType

__all__ = ["Draft", "check_count", "check_people", "read_draft", "show_errors"]

QUICK_MILLISECONDS: Final = 150
"""For an exact count while somebody types; what takes longer is estimated first."""
EXACT_MILLISECONDS: Final = 10_000
SAMPLE_MILLISECONDS: Final = 2_000
EXPENSIVE_SECONDS: Final = 1.0
SAMPLE: Final = 4
MOST_ID: Final = 2**63

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition on its way, and the segment that it would change."""

    edited: Segment
    stored: Segment | None


def read_draft(data: Any) -> Draft:
    """What a call means: ``{"definition", "type", "segment"}``; raises ``WrongShape`` or ``UnknownSegment``."""
    if not isinstance(data, dict) or "definition" not in data:
        raise WrongShape('Send an object with "definition".')
    kind, stored = data.get("type", SegmentType.DYNAMIC), _find(data.get("segment"))
    if kind not in (SegmentType.DYNAMIC, SegmentType.COMBINED):
        raise WrongShape("Only dynamic and combined segments have conditions.", path="type")
    edited = Segment(pk=None if stored is None else stored.pk, type=kind, definition=data["definition"])
    return Draft(edited, stored)


def _find(segment_id: Any) -> Segment | None:
    if segment_id is None:
        return None
    is_id = isinstance(segment_id, int) and not isinstance(segment_id, bool) and 0 < segment_id < MOST_ID
    found = Segment.objects.filter(pk=segment_id).first() if is_id else None
    if found is None:
        raise UnknownSegment(path="segment")
    return found


# The first part


def check_count(draft: Draft) -> Answer:
    """The errors, or the sentence and a count; an estimate where counting would keep somebody who types waiting."""
    edited, lookups = draft.edited, DatabaseLookups()
    try:
        sentence = check_definition(edited.definition, segment_type=edited.type, segment_id=edited.pk, lookups=lookups)
        estimate = estimate_members(edited, lookups=lookups)
    except DefinitionRefused as refused:
        return {"errors": show_errors(refused.errors)}
    count = _count_quickly(edited, estimate, lookups)
    is_expensive = count is None and estimate.seconds > EXPENSIVE_SECONDS
    return {
        "errors": [],
        "sentence": sentence,
        "count": estimate.count if count is None else count,
        "is_estimate": count is None,
        "is_expensive": is_expensive,
        "warning": " ".join(_say_warnings(edited, estimate if is_expensive else None, lookups)),
    }


def _say_warnings(segment: Segment, expensive: Estimate | None, lookups: DatabaseLookups) -> Iterator[str]:
    if expensive is not None:
        yield _say_expensive(expensive)
    for relation, key in sorted(named_kinds(segment.definition)):
        kinds = lookups.registry.relations[relation].kinds if relation in lookups.registry.relations else None
        kind = kinds.get(key) if kinds else None
        if kind is not None and not kind.is_offered:
            yield _(
                "“{type}” is not for segments any more. What is here goes on; choose another type for new conditions."
            ).format(type=_(kind.label))


def _count_quickly(segment: Segment, estimate: Estimate, lookups: DatabaseLookups) -> int | None:
    if estimate.seconds > EXPENSIVE_SECONDS:
        return None
    try:
        return count_members(segment, milliseconds=QUICK_MILLISECONDS, lookups=lookups)
    except AskingTookTooLong:
        return None


def _say_expensive(estimate: Estimate) -> str:
    seconds = max(1, round(estimate.seconds))
    text = ngettext(
        "Counting this takes about {seconds} second, and so does every list of its members. Ask about a shorter"
        " period, or add a condition on a contact’s own field.",
        "Counting this takes about {seconds} seconds, and so does every list of its members. Ask about a shorter"
        " period, or add a condition on a contact’s own field.",
        seconds,
    )
    return text.format(seconds=seconds)


def show_errors(errors: Sequence[CardfileError]) -> list[dict[str, str]]:
    """Errors as the page places them."""
    return [{"path": error.path, "code": error.code, "message": _(error.message)} for error in errors]


# The second part


def check_people(draft: Draft, *, is_counted: bool, may_see_contacts: bool) -> Answer:
    """The exact count unless ``is_counted`` already, a sample, and who would join and leave.

    What cannot be had in time is left out, and said in ``warning``. Without ``may_see_contacts`` nobody is named.
    """
    lookups, answer = DatabaseLookups(), Answer(errors=[])
    try:
        if not is_counted:
            answer |= {"count": count_members(draft.edited, milliseconds=EXACT_MILLISECONDS, lookups=lookups)}
            answer |= {"is_estimate": False}
        answer |= _show_difference(draft, lookups, may_see_contacts)
        answer |= {"sample": _sample(draft.edited, lookups) if may_see_contacts else []}
    except AskingTookTooLong:
        answer["warning"] = _(
            "This takes very long and was stopped, so not everything is shown. Make the conditions narrower."
        )
    except DefinitionRefused as refused:
        return {"errors": show_errors(refused.errors)}
    return answer


def _sample(segment: Segment, lookups: DatabaseLookups) -> list[Answer]:
    return show_people(sample_members(segment, SAMPLE, milliseconds=SAMPLE_MILLISECONDS, lookups=lookups))


def _show_difference(draft: Draft, lookups: DatabaseLookups, may_see_contacts: bool) -> Answer:
    if draft.stored is None:
        return {}
    difference = _diff(draft.stored, draft.edited, lookups)
    return {
        "joins": _show_side(difference.joins, may_see_contacts),
        "leaves": _show_side(difference.leaves, may_see_contacts),
    }


def _diff(stored: Segment, edited: Segment, lookups: DatabaseLookups) -> Difference:
    """From the stored definition, or from nobody where that does not hold good any more."""
    if stored.definition == edited.definition:
        return Difference(Side(0), Side(0))
    try:
        return diff_members(stored, edited, SAMPLE, milliseconds=EXACT_MILLISECONDS, lookups=lookups)
    except DefinitionRefused:
        count = count_members(edited, milliseconds=EXACT_MILLISECONDS, lookups=lookups)
        sample = sample_members(edited, SAMPLE, milliseconds=SAMPLE_MILLISECONDS, lookups=lookups)
        return Difference(Side(count, tuple(sample)), Side(0))


def _show_side(side: Side, may_see_contacts: bool) -> Answer:
    return {"count": side.count, "sample": show_people(side.sample) if may_see_contacts else []}


def show_people(contacts: Sequence[Contact]) -> list[Answer]:
    """Contacts by name, with what tells two of one name apart."""
    return [
        {
            "id": contact.pk,
            "name": str(contact),
            "detail": next((value for value in (contact.email, contact.phone) if value and value != str(contact)), ""),
            "link": reverse("admin:contacts_contact_change", args=[contact.pk]),
        }
        for contact in contacts
    ]
