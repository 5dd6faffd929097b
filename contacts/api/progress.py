"""How far a session is, a bulk call or the import of a file, as the wire tells it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import Max
from django.utils.translation import gettext as _
from rest_framework.request import Request

from contacts.api.files import link_of
from contacts.columns import CUSTOM_PREFIX
from contacts.imports.plan import Options
from contacts.keys import KEYS
from contacts.models import BulkCall, BulkRow, CallStatus, Change, ChangeKind, Contact, Import, ImportStatus
from crm.api.errors import NotFound
from crm.api.pagination import Page, read_number

__all__ = ["COUNTED", "find_session", "read_mapping_page", "show_counts", "show_session"]

MOST_MAPPED: Final = 10_000
"""Of the import of a file; a bulk call has less."""
COUNTED: Final = ("created", "updated", "unchanged", "restored", "skipped", "failed")
REACHED: Final = ("created", "updated", "unchanged", "restored")
WROTE: Final = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.RESTORED)
STARTED, IMPORTING, FINISHED, ERROR = "STARTED", "IMPORTING", "FINISHED", "ERROR"
OF_CALL: Final[dict[str, str]] = {
    CallStatus.WAITING: STARTED,
    CallStatus.RUNNING: IMPORTING,
    CallStatus.FINISHED: FINISHED,
    CallStatus.FAILED: ERROR,
}
OF_IMPORT: Final[dict[str, str]] = {
    ImportStatus.FETCHING: STARTED,
    ImportStatus.UPLOADED: STARTED,
    ImportStatus.PREVIEWING: STARTED,
    ImportStatus.PREVIEWED: STARTED,
    ImportStatus.QUEUED: STARTED,
    ImportStatus.RUNNING: IMPORTING,
    ImportStatus.PAUSED: IMPORTING,
    ImportStatus.UNDOING: IMPORTING,
    ImportStatus.FINISHED: FINISHED,
    ImportStatus.UNDONE: FINISHED,
    ImportStatus.CANCELLED: ERROR,
    ImportStatus.FAILED: ERROR,
}
VALUE_COLUMNS: Final = {
    "external_id": ("external_id",),
    "email": ("email",),
    "phone": ("phone",),
    "email_or_phone": ("phone", "email"),
    "id": ("id",),
    "contact_key": ("contact_key",),
}


def find_session(session_id: str) -> BulkCall | Import:
    """By the name that the call gave; an import is known by its number."""
    found: BulkCall | Import | None = None
    if len(session_id) < 19 and session_id.isascii() and session_id.isdigit():
        found = Import.objects.filter(pk=int(session_id)).first()
    else:
        try:
            found = BulkCall.objects.defer("records").filter(session=uuid.UUID(session_id)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound(_("There is no such session. They are kept for a week."))
    return found


def read_mapping_page(params: Mapping[str, Any]) -> Page:
    """Which part of the mapping: ``startindex`` from 1, ``maxrows``."""
    start = read_number(params, "startindex", default=1, smallest=0)
    size = read_number(params, "maxrows", default=MOST_MAPPED, smallest=1)
    return Page(max(start - 1, 0), min(size, MOST_MAPPED))


def show_session(session: BulkCall | Import, page: Page, request: Request) -> dict[str, Any]:
    if isinstance(session, BulkCall):
        return show_call(session, page, request)
    return show_import(session, page, request)


def show_call(call: BulkCall, page: Page, request: Request) -> dict[str, Any]:
    refused = sum(call.counts.values()) - call.done
    rows = BulkRow.objects.filter(call=call, status__in=REACHED, contact_id__isnull=False).order_by("place")
    mapping = rows.values_list("value", "contact_id")[page.start : page.start + page.size]
    has_errors = BulkRow.objects.filter(call=call).exclude(code="").exists()
    return {
        "status": OF_CALL[call.status],
        "timestamp": show_moment(call.changed_at),
        "description": call.error,
        "mapping": show_mapping(mapping),
        "counts": show_counts(call.counts),
        "progress": {"done": call.done + refused, "total": call.total + refused},
        "errorFileUrl": link_of(request, "bulk", call.pk) if has_errors else None,
    }


def show_import(run: Import, page: Page, request: Request) -> dict[str, Any]:
    return {
        "status": OF_IMPORT[run.status],
        "timestamp": show_moment(run.finished_at or run.taken_up_at or run.started_at or run.created_at),
        "description": run.error or describe(run),
        "mapping": show_mapping(read_mapping(run, page)),
        "counts": show_counts(run.counts),
        "progress": {"done": run.rows_done, "total": run.rows_total},
        "errorFileUrl": link_of(request, "import", run.pk) if run.rows.exists() else None,
    }


def describe(run: Import) -> str:
    if run.status == ImportStatus.CANCELLED:
        return _("Somebody cancelled the import.")
    if run.status == ImportStatus.PAUSED:
        return _("Somebody paused the import.")
    return _("The import was taken back.") if run.status == ImportStatus.UNDONE else ""


def read_mapping(run: Import, page: Page) -> Iterable[tuple[Any, int]]:
    """Whom the file made or changed, by what they have now of what its rows were found by."""
    if not run.rows_done or run.status == ImportStatus.UNDONE:
        return []
    changes = Change.objects.filter(import_id=run.pk, kind__in=WROTE).values("contact_id")
    found = changes.annotate(last=Max("id")).order_by("contact_id").values_list("contact_id", flat=True)
    ids = list(found[page.start : page.start + page.size])
    key = Options.from_json(run.options).key
    contacts = {contact.pk: contact for contact in Contact.objects.filter(pk__in=ids)}
    return [(value_of(contacts[pk], key), pk) for pk in ids if pk in contacts]


def value_of(contact: Contact, key: str) -> Any:
    if key not in KEYS and key not in VALUE_COLUMNS:
        return contact.attributes.get(key.removeprefix(CUSTOM_PREFIX)) or contact.external_id or ""
    values = (getattr(contact, column) for column in VALUE_COLUMNS.get(key, ()))
    return next((value for value in values if value), contact.external_id or "")


def show_mapping(pairs: Iterable[tuple[Any, int | None]]) -> list[dict[str, Any]]:
    return [{"dedupeValue": str(value), "contactId": contact_id} for value, contact_id in pairs]


def show_counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in COUNTED}


def show_moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
