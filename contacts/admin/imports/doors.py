"""What every page of an import begins with: which import is meant, and whether this person may."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Import, ImportStatus
from crm.audit import Action, about, actor_of, note
from crm.errors import CardfileError, Refused

__all__ = [
    "PAGES",
    "Placed",
    "address_of",
    "can_be_mapped",
    "find_import",
    "go_on",
    "may_take_file",
    "note_taken",
    "place_error",
    "read_number",
    "render",
    "require",
]

PAGES: Final[dict[str, str]] = {
    ImportStatus.UPLOADED: "map",
    ImportStatus.PREVIEWING: "preview",
    ImportStatus.PREVIEWED: "preview",
}
"""Where an import is looked after before it runs; afterwards that is its own page."""

STEPS: Final = (
    ("add", gettext_lazy("Upload")),
    ("map", gettext_lazy("Map")),
    ("preview", gettext_lazy("Preview")),
    ("change", gettext_lazy("Import")),
)


OPEN: Final = frozenset({ImportStatus.UPLOADED, ImportStatus.PREVIEWED, ImportStatus.FAILED, ImportStatus.CANCELLED})


class Step(NamedTuple):
    """One step of the wizard; ``link`` where one can go back to it."""

    number: int
    label: str
    is_past: bool
    is_current: bool
    link: str


class Placed(NamedTuple):
    """An error and where it is said: a field's name, a column's place in the file, or '' for the whole page."""

    place: str | int
    message: str


def can_be_mapped(run: Import) -> bool:
    """Whether file and choices can still be changed: nothing is done yet, and nothing is under way."""
    return run.status in OPEN and not run.rows_done


def require(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def may_take_file(request: HttpRequest, run: Import) -> bool:
    """An uploaded file is a list of contacts: it goes to those who may export, and back to whoever brought it."""
    return run.by == actor_of(request) or request.user.has_perm("contacts.export_contact")


def note_taken(request: HttpRequest, run: Import, name: str) -> None:
    note(Action.DOWNLOADED, by=actor_of(request), about=about(run), details={"file": name}, request=request)


def find_import(import_id: int) -> Import:
    run = Import.objects.filter(pk=import_id).first()
    if run is None:
        raise Http404(_("There is no such import."))
    return run


def address_of(run: Import, page: str = "") -> str:
    """The address of a page of this import, of the one where it stands unless one is named."""
    return reverse(f"admin:contacts_import_{page or PAGES.get(run.status, 'change')}", args=[run.pk])


def go_on(request: HttpRequest, run: Import, *, error: CardfileError | None = None) -> HttpResponse:
    """To where the import stands now; with what was refused as a message."""
    if error is not None:
        messages.error(request, _(error.message))
    run.refresh_from_db()
    return redirect(address_of(run))


def read_number(text: str, default: int = 0) -> int:
    """A number of an address, or ``default`` where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else default


def render(
    admin: Any, request: HttpRequest, template: str, run: Import | None, page: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page of the wizard in the frame of the back office."""
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "original": run,
        "run": run,
        "title": run.file_name if run else _("Import a file"),
        "steps": list_steps(run, page),
        "may_import": admin.has_add_permission(request),
        **context,
    }
    return TemplateResponse(request, f"contacts/{template}", context, status=status)


def list_steps(run: Import | None, page: str) -> list[Step]:
    """The way of an import; from the preview one can go back to the map."""
    current = [name for name, _label in STEPS].index(page)
    return [
        Step(
            place + 1,
            str(label),
            is_past=place < current,
            is_current=place == current,
            link=address_of(run, "map") if run is not None and name == "map" and page == "preview" else "",
        )
        for place, (name, label) in enumerate(STEPS)
    ]


def place_error(error: CardfileError, run: Import, fields: frozenset[str]) -> list[Placed]:
    """Where on the map page an error of the verbs is to be said: its path is ``mapping.3`` or ``options.key``."""
    if isinstance(error, Refused) and error.errors:
        return [placed for one in error.errors for placed in place_error(one, run, fields)]
    message = _(error.message)
    room, _dot, name = error.path.partition(".")
    if room == "mapping" and name.isdecimal():
        return [Placed(int(name), message)]
    if room == "options":
        name = "empty_cells" if name == "empty_values_clear" else name
        return [Placed(name if name in fields else "", message)]
    return [Placed(error.path if error.path in fields else "", message)]
