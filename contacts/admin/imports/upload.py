"""The upload: a file is streamed to disk after it is known that its sender may import."""

from __future__ import annotations

from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect
from unfold.widgets import RADIO_CLASSES

from contacts.admin.imports.doors import address_of, find_import, read_number, render, require
from contacts.imports import flow
from contacts.imports.errors import FileTooLarge
from contacts.imports.files import store
from contacts.imports.limits import EXCEL_LIMIT, TEXT_LIMIT, show_size
from contacts.models import Import, ImportContent
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["upload_view"]

LIMITS: Final = {
    ".csv": TEXT_LIMIT,
    ".tsv": TEXT_LIMIT,
    ".txt": TEXT_LIMIT,
    ".xlsx": EXCEL_LIMIT,
    ".xls": EXCEL_LIMIT,
    ".zip": TEXT_LIMIT,
}
"""Bytes by the ending of a file's name, so that nobody waits for an upload that is refused."""

CONTENTS: Final = (
    (ImportContent.CONTACTS, gettext_lazy("Contacts"), gettext_lazy("A row is a person.")),
    (
        ImportContent.ORDERS,
        gettext_lazy("Orders"),
        gettext_lazy("A row is an order, or one item of it; the contacts are found, or made."),
    ),
)


class LimitedFile(TemporaryFileUploadHandler):
    """Stops at the largest size that any file may have; ``is_too_large`` tells why there is no file then."""

    is_too_large = False
    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > TEXT_LIMIT:
            self.is_too_large = True
            raise StopUpload
        super().receive_data_chunk(raw_data, start)


def upload_view(admin: Any, request: HttpRequest) -> HttpResponse:
    """The page, or the file.

    The address is exempt from the middleware's check of the token, which would read the whole body before anybody was
    asked for permission; the check follows here.
    """
    require(admin.has_add_permission(request))
    if request.method != "POST":
        return show_upload(admin, request)
    handler = LimitedFile(request)
    request.upload_handlers = [handler]

    def receive(request: HttpRequest) -> HttpResponse:
        return take_file(admin, request, handler)

    return csrf_protect(receive)(request)


def show_upload(admin: Any, request: HttpRequest, error: str = "") -> HttpResponse:
    like = read_number(request.POST.get("like") or request.GET.get("like", ""))
    context = {
        "error": error,
        "like": find_import(like) if like else None,
        "again_url": reverse("admin:contacts_import_do", args=[like, "again"]) if like else "",
        "contents": list_contents(read_content(request)),
        "radio_classes": " ".join(RADIO_CLASSES),
        "endings": ",".join(LIMITS),
        "data": {"limits": LIMITS, "excel_limit": EXCEL_LIMIT, "words": read_words()},
    }
    return render(admin, request, "import_upload.html", None, "add", status=400 if error else 200, **context)


def take_file(admin: Any, request: HttpRequest, handler: LimitedFile) -> HttpResponse:
    """Keep what was sent and begin an import with it; what is wrong is said on the same page."""
    file = request.FILES.get("file")
    try:
        if handler.is_too_large:
            raise FileTooLarge(limit=TEXT_LIMIT)
        if file is None or not file.name:
            return answer(admin, request, error=_("Choose a file first."))
        run = begin(request, file)
    except CardfileError as error:
        return answer(admin, request, error=_(error.message))
    return answer(admin, request, run=run)


def begin(request: HttpRequest, file: UploadedFile) -> Import:
    name = str(file.name)
    path, by = store(file.chunks(), name), actor_of(request)
    like = read_number(request.POST.get("like", ""))
    if like:
        return flow.again(find_import(like), by=by, stored=path, name=name)
    return flow.begin(path, name, by=by, content=read_content(request))


def read_content(request: HttpRequest) -> ImportContent:
    """What somebody says the rows are; contacts where nothing is said."""
    said = request.POST.get("content") or request.GET.get("content", "")
    return ImportContent(said) if said in ImportContent.values else ImportContent.CONTACTS


def list_contents(chosen: ImportContent) -> list[dict[str, Any]]:
    return [
        {"value": content.value, "label": label, "help": help_text, "is_chosen": content == chosen}
        for content, label, help_text in CONTENTS
    ]


def answer(admin: Any, request: HttpRequest, *, run: Import | None = None, error: str = "") -> HttpResponse:
    """For the script that sends with a progress bar, or for a browser without it."""
    if request.headers.get("Accept") == "application/json":
        if run is None:
            return JsonResponse({"error": error}, status=400)
        return JsonResponse({"next": address_of(run, "map")})
    return redirect(address_of(run, "map")) if run is not None else show_upload(admin, request, error)


def read_words() -> dict[str, str]:
    """What the script says."""
    return {
        "sending": _("{done} of {total} sent."),
        "reading": _("The file is here and is being looked at…"),
        "kind": _("This file cannot be imported. Choose a CSV, TSV, TXT, XLSX or XLS file, or one of these zipped."),
        "too_large": _("The file is larger than {size}. Split it, and import one part after the other.").format(
            size=show_size(TEXT_LIMIT)
        ),
        "excel_too_large": _("The Excel file is larger than {size}. Save it as CSV UTF-8, which may be larger.").format(
            size=show_size(EXCEL_LIMIT)
        ),
        "empty": _("The file is empty. Its first line names the columns, the next ones are contacts."),
        "none": _("Choose a file first."),
        "several": _("Drop one file at a time."),
        "lost": _("The connection was lost while the file was sent. Choose the file again."),
        "refused": _("The server did not take the file. Choose it again; if that does not help, ask an administrator."),
    }
