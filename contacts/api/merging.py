"""Merging two contacts, looking at a merge beforehand, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import schema_merging as schema
from contacts.api.fields import keys_by_id
from contacts.api.refusals import no_such_contact, refused
from contacts.api.resource import custom_columns
from contacts.api.translate import read_id, show_change
from contacts.api.translate_resource import column_named
from contacts.api.views import name_of_caller, read_flag
from contacts.identity import UndoReport, merge_contacts, undo_merge
from contacts.identity.errors import ContactNotFound
from contacts.identity.merge import rehearse_merge
from contacts.models import Merge
from contacts.records import Problem
from contacts.wire import is_empty
from crm.api.views import ApiView

__all__ = ["MergeView", "UndoView"]

SIDES: Final = ("survivor", "loser")


class Choices(NamedTuple):
    """Who is merged into the contact of the address, and whose value of a column is kept."""

    loser_id: int
    sides: dict[str, str]


class MergeView(ApiView):
    """``/v1/contact/{id}/merge``: another contact goes into this one. It takes the right to delete: one is no more."""

    area = "contacts"

    @property
    def actions(self) -> dict[str, str]:
        return {"POST": "read" if read_flag(self.request, "dryRun") else "delete"}

    @schema.merge
    def post(self, request: Request, contact_id: int) -> Response:
        choices = read_choices(request.data)
        by = name_of_caller(request)
        try:
            if read_flag(request, "dryRun"):
                return Response(rehearse(contact_id, choices, by=by))
            merge_id = merge_contacts(contact_id, choices.loser_id, by=by, choices=choices.sides)
        except ContactNotFound as error:
            raise no_such_contact("id", error.contact_id) from error
        merge = Merge.objects.get(pk=merge_id)
        self.about = [merge.contact_id, merge.loser_id]
        return Response({"mergeId": merge_id, "survivorId": merge.contact_id, "loserId": merge.loser_id})


class UndoView(ApiView):
    """``/v1/merges/{id}/undo``."""

    area = "contacts"
    actions = {"POST": "delete"}

    @schema.undo
    def post(self, request: Request, merge_id: int) -> Response:
        try:
            report = undo_merge(merge_id, by=name_of_caller(request))
        except ContactNotFound as error:
            raise ContactNotFound(_("Merge with id='{id}' not found.").format(id=merge_id)) from error
        self.about = [report.survivor_id, report.loser_id]
        return Response(show_report(report))


def read_choices(body: Any) -> Choices:
    given = body if isinstance(body, Mapping) else {}
    loser_id = read_id(given.get("loserId"))
    sides: dict[str, str] = {}
    problems = [] if loser_id else [Problem("loserId", "required", _("Send the id of the contact that goes into it."))]
    problems += read_sides(given.get("choices"), sides)
    if problems:
        raise refused(problems)
    return Choices(loser_id, sides)


def read_sides(given: Any, sides: dict[str, str]) -> Iterator[Problem]:
    """By column the side whose value is kept, into ``sides``."""
    if is_empty(given):
        return
    if not isinstance(given, Mapping):
        yield Problem("choices", "not_an_object", _("Send the choices as an object: {“firstName”: “loser”}."))
        return
    customs = custom_columns()
    for name, side in given.items():
        column = column_named(name, customs)
        if column is None or not column.write:
            yield Problem(f"choices.{name}", "unknown_field", _("There is no such field."))
        elif side not in SIDES:
            yield Problem(f"choices.{name}", "unknown_side", _("Write survivor or loser."))
        else:
            sides[column.key] = side


def rehearse(contact_id: int, choices: Choices, *, by: str) -> dict[str, Any]:
    rehearsal = rehearse_merge(contact_id, choices.loser_id, by=by, choices=choices.sides)
    return {
        "dryRun": True,
        "survivorId": rehearsal.survivor_id,
        "loserId": rehearsal.loser_id,
        "before": show_change(rehearsal.before, keys_by_id()),
        "after": show_change(rehearsal.after, keys_by_id()),
    }


def show_report(report: UndoReport) -> dict[str, Any]:
    return {
        "mergeId": report.merge_id,
        "survivorId": report.survivor_id,
        "loserId": report.loser_id,
        "left": [left._asdict() for left in report.left],
    }
