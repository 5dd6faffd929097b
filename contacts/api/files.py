"""Files that are handed out by a link: whoever has it needs no key, for as long as it holds.

A link is signed and says what it is of, until when, and which key was given it: it ends with that key. Files are
streamed, whatever their size.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.signing import BadSignature, Signer
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from contacts.api import schema_bulk as schema
from contacts.api.wire_names import wire_name
from contacts.exports import flow as exports
from contacts.formulas import disarm
from contacts.models import BulkRow, ImportRow
from crm.api.errors import NotFound
from crm.api.views import ApiView
from crm.audit import Action, note
from crm.models import ApiKey

__all__ = ["FileView", "link_of"]

SALT: Final = "contacts.api.files"
HOLDS_FOR: Final = timedelta(days=1)
CHUNK: Final = 2_000

Tell = Callable[..., None]
"""Writes down that contacts leave the house."""


def link_of(request: Request, kind: str, number: int, *, until: datetime | None = None) -> str:
    """The address of a file, of a kind in ``KINDS``, that holds for a day or until it is said."""
    ends = until.timestamp() if until is not None else time.time() + HOLDS_FOR.total_seconds()
    meant = {"kind": kind, "id": number, "until": int(ends), "by": f"key:{request.user.pk}"}
    token = Signer(salt=SALT).sign_object(meant)
    return str(request.build_absolute_uri(reverse("api-file", args=[token])))


class FileView(ApiView):
    """``/v1/files/{token}``: the signature says that somebody with a key was given this link."""

    authentication_classes: Sequence[type] = ()
    permission_classes: Sequence[type] = ()
    throttle_classes = []

    @schema.get_file
    def get(self, request: Request, token: str) -> HttpResponseBase:
        try:
            meant = Signer(salt=SALT).unsign_object(token)
        except (BadSignature, ValueError) as error:
            raise NotFound from error
        if meant["until"] < time.time() or not is_key_valid(meant.get("by", "")):
            raise NotFound(_("This link has expired. Ask for a new one where you got it."))
        answer = KINDS[meant["kind"]](meant["id"], lambda **told: note_download(meant, told, request))
        answer["Cache-Control"] = "no-store"
        return answer


def is_key_valid(by: str) -> bool:
    """Whoever takes a key away takes its links away too."""
    _kind, _colon, number = by.partition(":")
    key = ApiKey.objects.filter(pk=number).first() if number.isdecimal() else None
    return key is not None and key.is_valid


def note_download(meant: Mapping[str, Any], told: Mapping[str, Any], request: Request) -> None:
    """Contacts leave the house: written down as of the key that was given the link, from wherever it is used."""
    of = f"contacts.contactexport:{meant['id']}"
    note(Action.DOWNLOADED, by=meant.get("by", ""), about=of, details=told, request=request._request)


def errors_of_bulk(call_id: int, _tell: Tell) -> HttpResponseBase:
    rows = BulkRow.objects.filter(call_id=call_id).exclude(code="").order_by("place")
    found = rows.values_list("place", "value", "contact_id", "status", "column", "code", "message")
    headers = ("index", "dedupeValue", "contactId", "status", "field", "code", "message")
    return csv_answer(headers, named_columns(found.iterator(chunk_size=CHUNK), 4), f"errors-{call_id}.csv")


def errors_of_import(import_id: int, _tell: Tell) -> HttpResponseBase:
    rows = ImportRow.objects.filter(import_run_id=import_id).order_by("row", "pk")
    found = rows.values_list("row", "contact_id", "status", "column", "code", "message")
    headers = ("row", "contactId", "status", "column", "code", "message")
    return csv_answer(headers, found.iterator(chunk_size=CHUNK), f"errors-{import_id}.csv")


def file_of_export(export_id: int, tell: Tell) -> HttpResponseBase:
    found = exports.open_file(export_id)
    if found is None:
        raise NotFound(_("This file is not there any more. Export again."))
    tell(file=found.name, contacts=found.contacts)
    return FileResponse(found.file, as_attachment=True, filename=found.name, content_type=found.content_type)


KINDS: Final[dict[str, Callable[[int, Tell], HttpResponseBase]]] = {
    "bulk": errors_of_bulk,
    "import": errors_of_import,
    "export": file_of_export,
}


def named_columns(rows: Iterable[Sequence[Any]], place: int) -> Iterator[Sequence[Any]]:
    """The rows with the column at ``place`` as the wire calls it."""
    for row in rows:
        yield (*row[:place], wire_name(row[place]), *row[place + 1 :])


def csv_answer(headers: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> HttpResponseBase:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(csv_lines(headers, rows), content_type="text/csv; charset=UTF-8", headers=disposition)


def csv_lines(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield csv_line(headers)
    for row in rows:
        yield csv_line(["" if cell is None else disarm(cell) if isinstance(cell, str) else cell for cell in row])


def csv_line(cells: Sequence[Any]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(cells)
    return target.getvalue()
