"""Many contacts in one call, and how far it is: ``POST /v1/contacts`` and ``GET /v1/importstatus``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import NewEvent
from contacts.activity.checks import check_event
from contacts.api import schema_bulk as schema
from contacts.api.fields import keys_by_id
from contacts.api.progress import find_session, read_mapping_page, show_session
from contacts.api.refusals import refused
from contacts.api.search import SearchContacts
from contacts.api.translate_bulk import WireBulk, WireItem, read_bulk, show_failed
from contacts.api.views import name_of_caller
from contacts.bulk import Accepted, BulkOptions, Sent, accept_call, settle_segments
from contacts.columns import CUSTOM_PREFIX
from contacts.identity import Mode
from contacts.identity.settings import read_settings
from contacts.records import Problem
from crm.api.permissions import may
from crm.api.views import ApiView
from crm.errors import CardfileError

__all__ = ["BulkContacts", "ImportStatusView", "check_call", "settle"]


class BulkContacts(SearchContacts):
    """``/v1/contacts``: found by what is known of them, and with POST written, many at a time."""

    @schema.add_contacts
    def post(self, request: Request) -> Response:
        bulk = read_bulk(body_of(request), keys_by_id)
        check_call(bulk)
        options = settle(bulk, by=name_of_caller(request))
        sent = [Sent(item.wire.record, item.value, item.wire.problems) for item in bulk.items]
        accepted = accept_call(sent, options, by=name_of_caller(request))
        failed = list_failed(bulk.items, accepted)
        self.about = None if failed else []
        message = ngettext("{count} contact was refused.", "{count} contacts were refused.", len(failed))
        return Response(
            {
                "asyncSessionId": accepted.call.session.hex,
                "failedContacts": failed,
                "errorMessage": message.format(count=len(failed)) if failed else "",
                "id": 0,
            }
        )


def body_of(request: Request) -> Any:
    """Where the contacts are sent as a bare list, what else the call chooses stands in the address."""
    bare = isinstance(request.data, list)
    return {**request.query_params.dict(), "contacts": request.data} if bare else request.data


class ReadableByWriters(ApiView):
    """Whoever may send contacts may see what became of them, even where it may see nothing else."""

    area = "contacts"

    @property
    def actions(self) -> dict[str, str]:
        key = self.request.auth
        return {"GET": "write"} if key is not None and may(key, "write", area="contacts") else {}


class ImportStatusView(ReadableByWriters):
    """``/v1/importstatus/{sessionId}``: of a bulk call, or of the import of a file."""

    @schema.get_import_status
    def get(self, request: Request, session_id: str) -> Response:
        page = read_mapping_page(request.query_params)
        return Response(show_session(find_session(session_id), page, request))


def list_failed(items: Sequence[WireItem], accepted: Accepted) -> list[dict[str, Any]]:
    return [
        show_failed(items[place], place, items[place].wire.located(problems))
        for place, problems in accepted.refused.items()
    ]


def check_call(bulk: WireBulk) -> None:
    """What is wrong with the call as a whole."""
    if not bulk.problems and bulk.key.startswith(CUSTOM_PREFIX):
        column = read_settings().schema.columns.get(bulk.key)
        if column is None or not column.may_be_key:
            message = _("Contacts cannot be found by this field. Mark it as one that can be a key first.")
            bulk.refuse("fieldId", "not_a_key", message)
    if not bulk.problems and bulk.event:
        problem = check_event(NewEvent(bulk.event, {}))
        if problem is not None:
            bulk.refuse("eventKeyForNewContacts", problem.code, problem.message)
    if bulk.problems:
        raise refused(bulk.problems)


def settle(bulk: WireBulk, *, by: str) -> BulkOptions:
    """The choices of the call; segments that it names and that are missing are made."""
    return BulkOptions(
        key=bulk.key.removeprefix(CUSTOM_PREFIX),
        mode=Mode(bulk.mode),
        empty_values_clear=bulk.clears,
        restore_deleted=bulk.flags["restoreDeleted"],
        replace_external_id=bulk.flags["replaceExternalId"],
        add_to_segments=named(bulk.join, "groupNames", make=True, by=by),
        remove_from_segments=named(bulk.leave, "groupNamesExclude", make=False, by=by),
        event_for_new=bulk.event,
    )


def named(names: Sequence[str], path: str, *, make: bool, by: str) -> tuple[int, ...]:
    try:
        return settle_segments(names, make=make, by=by)
    except CardfileError as error:
        raise refused([Problem(path, error.code, error.message)]) from error
