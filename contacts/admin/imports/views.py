"""The pages before an import runs, the map and the preview; and the files that are handed out."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from unfold.widgets import RADIO_CLASSES

from contacts.admin.imports.choices import say_keys
from contacts.admin.imports.doors import (
    PAGES,
    address_of,
    can_be_mapped,
    find_import,
    go_on,
    may_take_file,
    note_taken,
    place_error,
    read_number,
    render,
    require,
)
from contacts.admin.imports.mapping import MappingForm, ReadingForm
from contacts.admin.imports.orders import OrderMappingForm
from contacts.admin.imports.preview import list_rows
from contacts.admin.imports.progress import UNDER_WAY, progress_context
from contacts.admin.imports.verbs import is_lost, list_actions
from contacts.admin.imports.words import OUTCOMES, list_tiles, say_number, say_rows, say_size
from contacts.imports import flow
from contacts.imports.failures import repair_file
from contacts.imports.files import stored_path
from contacts.imports.limits import EXCEL_KINDS
from contacts.imports.orders.run import open_orders
from contacts.imports.run import open_import
from contacts.imports.sources import describe
from contacts.models import Import, ImportContent, ImportStatus
from contacts.populations import current
from crm.errors import CardfileError

__all__ = ["errors_view", "file_view", "fix_view", "map_view", "preview_view", "reread_view"]

MapForm = MappingForm | OrderMappingForm
FIXES_AT_MOST: Final = 200
"""More wrong cells than this are better repaired in the file."""


# The map


def map_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """What each column becomes. Choosing leads on to the preview."""
    require(admin.has_add_permission(request))
    run = find_import(import_id)
    if not can_be_mapped(run):
        return redirect(address_of(run))
    form = make_form(request, run)
    if request.method == "POST" and form.is_valid() and choose(run, form):
        return go_on(request, run)
    return show_map(admin, request, run, form)


def make_form(request: HttpRequest, run: Import, *, is_posted: bool = True) -> MapForm:
    data = request.POST if is_posted and request.method == "POST" else None
    if run.content == ImportContent.ORDERS:
        return OrderMappingForm(run, data=data)
    return MappingForm(
        run,
        segments=current().listed(),
        may_delete=request.user.has_perm("contacts.delete_contact"),
        may_make_fields=request.user.has_perm("contacts.add_customfield"),
        data=data,
    )


def choose(run: Import, form: MapForm) -> bool:
    """Keep the choices and begin the preview; what is refused is said at its field."""
    try:
        if isinstance(form, OrderMappingForm):
            flow.choose_orders(run, form.read_mapping(), form.read_options())
        else:
            flow.choose(run, form.read_mapping(), form.read_options())
        flow.start_preview(run)
    except CardfileError as error:
        form.place(place_error(error, run, frozenset(form.fields)))
        return False
    return True


def show_map(
    admin: Any, request: HttpRequest, run: Import, form: MapForm, reading: ReadingForm | None = None
) -> HttpResponse:
    is_wrong = bool(form.errors or form.placed or (reading is not None and reading.errors))
    context = {
        "reading": reading or ReadingForm(run, list_sheets(run)),
        "reread_url": address_of(run, "reread"),
        "size": say_size(run.size_bytes),
        "form": form,
        "lines": form.list_lines(),
        "list_url": reverse("admin:contacts_import_changelist"),
    }
    template = "import_map_orders.html"
    if isinstance(form, MappingForm):
        template = "import_map.html"
        context |= read_choices(form)
    return render(admin, request, template, run, "map", status=400 if is_wrong else 200, **context)


def read_choices(form: MappingForm) -> dict[str, Any]:
    """What is to be chosen for contacts beside their columns."""
    sentences = say_keys(form.columns)
    return {
        "modes": form.list_modes(),
        "radio_classes": " ".join(RADIO_CLASSES),
        "key_sentences": sentences,
        "key_sentence": sentences.get(form["key"].value() or "", ""),
    }


def list_sheets(run: Import) -> tuple[str, ...]:
    """The sheets of a workbook; of a text file none."""
    if run.kind not in EXCEL_KINDS:
        return ()
    return describe(stored_path(run.stored_name), run.file_name, sheet=run.sheet).sheets


def reread_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """The file is read another way; what its columns become is guessed anew where they are others."""
    require(admin.has_add_permission(request))
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    run = find_import(import_id)
    form = ReadingForm(run, list_sheets(run), data=request.POST)
    try:
        if form.is_valid():
            flow.reread(run, **form.read())
            return redirect(address_of(run, "map"))
    except CardfileError as error:
        form.add_error(error.path if error.path in form.fields else None, ValidationError(_(error.message)))
    run.refresh_from_db()
    return show_map(admin, request, run, make_form(request, run, is_posted=False), form)


# The preview


def preview_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """Counts that filter, and rows; while it is made, how far it is."""
    require(admin.has_view_permission(request))
    run = find_import(import_id)
    if run.status not in PAGES or run.status == ImportStatus.UPLOADED:
        return redirect(address_of(run))
    context: dict[str, Any] = {"actions": list_actions(run), "map_url": address_of(run, "map")}
    if run.status in UNDER_WAY:
        context |= {**progress_context(run), "tiles": list_tiles(run.preview_counts or {})}
    else:
        context |= read_preview(run, request)
    return render(admin, request, "import_preview.html", run, "preview", **context)


def read_preview(run: Import, request: HttpRequest) -> dict[str, Any]:
    asked = request.GET.get("show", "")
    show, after = asked if asked in OUTCOMES else "", read_number(request.GET.get("after", ""), default=-1)
    counts = run.preview_counts or {}
    can_be_fixed = bool(run.stored_name) and counts.get("failed", 0) <= FIXES_AT_MOST
    rows, next_after = list_rows(run, show, after, with_cells=can_be_fixed)
    chosen = {"show": show} if show else {}
    return {
        "tiles": list_tiles(counts),
        "tiles_filter": True,
        "show": show,
        "sentence": say_preview(counts, run.content),
        "of_orders": run.content == ImportContent.ORDERS,
        "table_title": OUTCOMES[show] if show else _("All rows"),
        "rows": rows,
        "is_first_page": after < 0,
        "first_url": f"?{urlencode(chosen)}",
        "next_url": f"?{urlencode({**chosen, 'after': next_after})}" if next_after is not None else "",
        "here": request.get_full_path(),
        "can_be_fixed": can_be_fixed,
        "fixed_cells": run.fixes.count(),
        "has_problems": any(counts.get(name) for name in ("failed", "skipped")) and may_take_file(request, run),
        "errors_url": address_of(run, "errors"),
        "fix_url": address_of(run, "fix"),
        "empty": say_empty(run),
    }


def say_empty(run: Import) -> str:
    if is_lost(run):
        return _("The rows of this preview are gone. Make the preview again to see them, or import at once.")
    return _("No row ends like this. Choose another outcome above.")


def say_preview(counts: dict[str, int], content: str) -> str:
    """What the button would do, in one sentence."""
    writes = sum(counts.get(name, 0) for name in ("created", "updated", "restored", "deleted"))
    bad = sum(counts.get(name, 0) for name in ("failed", "skipped"))
    if not writes:
        return _("Nothing is written yet, and nothing would be: no row changes anything.")
    text = _("Nothing is written yet. {rows} would change something.").format(rows=say_rows(writes))
    if content == ImportContent.ORDERS:
        text = _("Nothing is written yet. Orders that would be made or changed: {count}.")
        text = text.format(count=say_number(writes))
    if bad:
        text += " " + _("{count} would be left out; the others go through all the same.").format(count=say_number(bad))
    return text


def fix_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """One cell is corrected; the reader lays it over the row."""
    require(admin.has_add_permission(request))
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    run = find_import(import_id)
    row, column = (read_number(request.POST.get(name, ""), default=-1) for name in ("row", "column"))
    try:
        flow.fix_cell(run, row=row, column=column, value=request.POST.get("value", ""))
    except CardfileError as error:
        messages.error(request, _(error.message))
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = address_of(run)
    return redirect(f"{back}#row-{row}")


# Files


def errors_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponseBase:
    """The rows with errors as they were in the file, with what is wrong in columns of their own."""
    require(admin.has_view_permission(request))
    run = find_import(import_id)
    require(may_take_file(request, run))
    try:
        lines = repair_file(run, open_any(run).job)
    except CardfileError as error:
        return go_on(request, run, error=error)
    name = f"{run.file_name.rpartition('.')[0] or run.file_name}.errors.csv"
    note_taken(request, run, name)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    plain = "text/csv; charset=utf-8"
    return StreamingHttpResponse(lines, content_type=plain, headers={"Content-Disposition": disposition})


def open_any(run: Import) -> Any:
    return open_orders(run) if run.content == ImportContent.ORDERS else open_import(run)


def file_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponseBase:
    """The file as it was uploaded, under the name that it had then."""
    require(admin.has_view_permission(request))
    run = find_import(import_id)
    require(may_take_file(request, run))
    try:
        path = stored_path(run.stored_name)
    except CardfileError as error:
        return go_on(request, run, error=error)
    note_taken(request, run, run.file_name)
    plain = "application/octet-stream"
    return FileResponse(path.open("rb"), as_attachment=True, filename=run.file_name, content_type=plain)
