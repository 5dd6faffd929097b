"""Files of contacts, in and out, as jobs: a link to a CSV, a CSV that is sent along, an export of a segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import populations
from contacts.api import schema_transfers as schema
from contacts.api.bulk import ReadableByWriters, check_call, named, settle
from contacts.api.fields import keys_by_id
from contacts.api.jobs_shown import COMPRESSIONS, CONDITIONS, read_conditions, show_export, show_import
from contacts.api.refusals import refused, refused_conditions
from contacts.api.translate import read_id
from contacts.api.translate_bulk import WireBulk, read_choices, read_texts, read_yes_no
from contacts.api.views import name_of_caller
from contacts.columns import CUSTOM_PREFIX
from contacts.exports.errors import SegmentUnknown
from contacts.exports.filters import ExportFilter
from contacts.exports.flow import cancel_export, start_export
from contacts.exports.formats import FORMATS, ending_of
from contacts.identity import Mode
from contacts.imports import flow
from contacts.imports.errors import FileTooLarge
from contacts.imports.files import store
from contacts.imports.filters import STATUSES, ImportFilter
from contacts.imports.limits import TEXT_LIMIT
from contacts.imports.plan import Options
from contacts.models import ContactExport, ContactState, Import
from contacts.records import Problem
from contacts.selections import Selection
from contacts.wire import LARGEST_ID, is_empty
from crm.api.errors import RESOURCE, BodyTooLarge, NotFound
from crm.api.pagination import answer_page, fetch_page, read_page
from crm.api.views import ApiView
from crm.audit import Action, about, note
from crm.errors import CardfileError, Refused
from crm.models import ApiKey

__all__ = ["ExportCancelView", "ExportView", "ExportsView", "ImportView", "ImportsView", "UploadView"]

BEGUN: Final = tuple(status for statuses in STATUSES.values() for status in statuses)
LARGEST_BODY: Final = TEXT_LIMIT + 1024 * 1024
"""The file, and what else the form has."""
LONGEST_SEARCH: Final = 200
MOST_IDS: Final = 10_000
PLACES: Final = {"options.key": "dedupeOn"}


class UploadView(ApiView):
    """``/v1/contacts/upload``: a link to a file, which is fetched and imported in the background."""

    area = "contacts"

    @schema.upload_contacts
    def post(self, request: Request) -> Response:
        bulk, link = WireBulk(), ""
        if isinstance(request.data, Mapping):
            read_choices(bulk, request.data, keys_by_id)
            link = read_link(bulk, request.data.get("link"))
        else:
            bulk.refuse("", "not_an_object", "Send the link as a JSON object with the property “link”.")
        check_call(bulk)
        options = settle_import(bulk, by=name_of_caller(request))
        with told_at("link"):
            run = flow.begin_link(link, options, by=name_of_caller(request))
        self.about = []
        session = str(run.pk)
        return Response(
            {"message": "", "importId": session, "asyncSessionId": session, "fileId": session, "valid": True}
        )


class ImportsView(ReadableByWriters):
    """``/v1/imports``: files that are imported, and with POST a new one."""

    error_shape = RESOURCE
    parser_classes = [MultiPartParser]

    @schema.add_import
    def post(self, request: Request) -> Response:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            raise BodyTooLarge
        file = next(iter(request.FILES.values()), None)
        bulk, options = read_import(request.data, by=name_of_caller(request))
        if file is None:
            bulk.refuse("file", "required", "Send a CSV file as multipart/form-data, in the part “file”.")
        if bulk.problems or file is None:
            raise refused(bulk.problems)
        run = take_file(file, options, by=name_of_caller(request))
        self.about = []
        return Response(show_import(run, request))

    @schema.list_imports
    def get(self, request: Request) -> Response:
        filtered = ImportFilter(read_conditions(request.query_params), Import.objects.filter(status__in=BEGUN))
        if not filtered.is_valid():
            raise refused_conditions(filtered.errors, CONDITIONS)
        rows, total = fetch_page(filtered.qs.order_by("-pk"), read_page(request.query_params))
        return answer_page([show_import(run, request) for run in rows], total)


class ImportView(ReadableByWriters):
    """``/v1/imports/{id}``."""

    error_shape = RESOURCE

    @schema.get_import
    def get(self, request: Request, import_id: str) -> Response:
        run = Import.objects.filter(pk=read_id(import_id), status__in=BEGUN).first()
        if run is None:
            raise NotFound(_("There is no such import."))
        return Response(show_import(run, request))


class ExportsView(ApiView):
    """``/v1/exports``: contacts that become files, and with POST a new one. It shows contacts, and changes none."""

    area = "contacts"
    actions = {"POST": "read"}
    error_shape = RESOURCE

    @schema.add_export
    def post(self, request: Request) -> Response:
        bulk = WireBulk()
        body = request.data if isinstance(request.data, Mapping) else {}
        if body is not request.data:
            bulk.refuse("", "not_an_object", "Send what to export as a JSON object.")
        wish = read_wish(bulk, body)
        if bulk.problems:
            raise refused(bulk.problems)
        with told_at("columns"):
            export = start_export(**wish, by=name_of_caller(request))
        told = {"format": export.format, "columns": export.columns, "segment": export.population, "chosen": say(export)}
        note(Action.EXPORTED, by=name_of_caller(request), about=about(export), details=told, request=request._request)
        self.about = []
        return Response(show_export(export, request))

    @schema.list_exports
    def get(self, request: Request) -> Response:
        filtered = ExportFilter(read_conditions(request.query_params), ContactExport.objects.all())
        if not filtered.is_valid():
            raise refused_conditions(filtered.errors, CONDITIONS)
        rows, total = fetch_page(filtered.qs.order_by("-pk"), read_page(request.query_params))
        return answer_page([show_export(export, request) for export in rows], total)


class ExportView(ApiView):
    """``/v1/exports/{id}``."""

    area = "contacts"
    error_shape = RESOURCE

    @schema.get_export
    def get(self, request: Request, export_id: str) -> Response:
        return Response(show_export(find_export(export_id), request))


class ExportCancelView(ApiView):
    """``/v1/exports/{id}/cancel``: by the key that asked for it, or one that may do everything."""

    area = "contacts"
    actions = {"POST": "read"}
    error_shape = RESOURCE
    about = ()

    @schema.cancel_export
    def post(self, request: Request, export_id: str) -> Response:
        export, by = find_export(export_id), name_of_caller(request)
        cancel_export(export, by=by, is_administrator=request.auth.scope == ApiKey.Scope.FULL)
        told = {"status": export.status}
        note(Action.CHANGED, by=by, about=about(export), details=told, request=request._request)
        return Response(show_export(export, request))


def find_export(export_id: str) -> ContactExport:
    export = ContactExport.objects.filter(pk=read_id(export_id)).first()
    if export is None:
        raise NotFound(_("There is no such export."))
    return export


def read_link(bulk: WireBulk, given: Any) -> str:
    if is_empty(given) or not isinstance(given, str):
        bulk.refuse("link", "required", "Send a link to a CSV file, such as https://files.example.com/contacts.csv.")
        return ""
    return given.strip()


def settle_import(bulk: WireBulk, *, by: str) -> Options:
    """The choices of a bulk call as those of an import."""
    chosen = settle(bulk, by=by)
    return Options(
        key=bulk.key.removeprefix(CUSTOM_PREFIX),
        mode=chosen.mode,
        restore_deleted=chosen.restore_deleted,
        replace_external_id=chosen.replace_external_id,
        add_to_segments=chosen.add_to_segments,
        remove_from_segments=chosen.remove_from_segments,
        event_for_new=chosen.event_for_new,
    )


def read_import(form: Mapping[str, Any], *, by: str) -> tuple[WireBulk, Options]:
    """What a form chooses. Contacts that there are stay as they are unless it says otherwise."""
    bulk = WireBulk()
    overrides = read_yes_no(bulk, "overrideExisting", form.get("overrideExisting"))
    fills = read_yes_no(bulk, "updateOnlyEmptyFields", form.get("updateOnlyEmptyFields"))
    restores = read_yes_no(bulk, "restoreDeleted", form.get("restoreDeleted"))
    names = read_texts(bulk, "groupNames", form.getlist("groupNames") if hasattr(form, "getlist") else [])
    key = ""
    if not is_empty(form.get("dedupeOn")):
        read_choices(bulk, {name: form.get(name) for name in ("dedupeOn", "fieldId")}, keys_by_id)
        key = bulk.key
    segments = () if bulk.problems else named(names, "groupNames", make=True, by=by)
    return bulk, Options(
        key=key.removeprefix(CUSTOM_PREFIX),
        mode=Mode.UPSERT if overrides or fills else Mode.CREATE,
        fill_blanks_only=fills,
        restore_deleted=restores,
        add_to_segments=segments,
    )


def take_file(file: UploadedFile[Any], options: Options, *, by: str) -> Import:
    name = str(file.name or "")
    with told_at("file"):
        return flow.take_file(store(file.chunks(), name), name, options, by=by)


def read_wish(bulk: WireBulk, body: Mapping[str, Any]) -> dict[str, Any]:
    """What ``start_export`` takes, of what the body says."""
    format_ = read_choice(bulk, "format", body.get("format"), tuple(FORMATS), "csv")
    packing = read_choice(bulk, "compression", body.get("compression"), tuple(COMPRESSIONS), "none")
    population, selection = read_chosen(bulk, body)
    return {
        "format": ending_of(format_, COMPRESSIONS.get(packing, "")),
        "columns": read_texts(bulk, "columns", body.get("columns")),
        "population": population,
        "selection": selection,
    }


def read_choice(bulk: WireBulk, path: str, given: Any, choices: tuple[str, ...], usual: str) -> str:
    chosen = usual if is_empty(given) else str(given).strip().lower()
    if chosen not in choices:
        bulk.refuse(path, f"unknown_{path}", f"The {path} is one of: {', '.join(choices)}.")
    return chosen


def read_chosen(bulk: WireBulk, body: Mapping[str, Any]) -> tuple[int | None, Selection | None]:
    """A segment, some contacts by their ids, or active ones that a search finds, in a segment if one is named."""
    population, search = find_segment(bulk, body.get("segment")), read_search(bulk, body.get("search"))
    ids = body.get("contactIds")
    if ids is not None:
        if population is not None or search:
            bulk.refuse("contactIds", "not_alone", "Send contact IDs, or a segment and a search.")
        return None, Selection(ids=tuple(read_ids(bulk, ids)))
    if not search:
        return population, None
    within = {"segment": str(population)} if population is not None else {}
    return None, Selection(conditions={"q": search, "state": ContactState.ACTIVE.name.lower(), **within})


def read_search(bulk: WireBulk, given: Any) -> str:
    if is_empty(given):
        return ""
    if not isinstance(given, str) or len(given) > LONGEST_SEARCH or not given.strip().isprintable():
        bulk.refuse("search", "not_a_text", f"Send a text of at most {LONGEST_SEARCH} characters.")
        return ""
    return given.strip()


def read_ids(bulk: WireBulk, given: Any) -> list[int]:
    """None at all is refused: nobody means everybody by it."""
    if not isinstance(given, list) or not 0 < len(given) <= MOST_IDS:
        bulk.refuse("contactIds", "not_a_list", f"Send a list of one to {MOST_IDS} contact IDs.")
        return []
    numbers = [read_id(one) for one in given]
    for place, number in enumerate(numbers):
        if not 0 < number <= LARGEST_ID:
            bulk.refuse(f"contactIds[{place}]", "not_an_id", "Send a contact ID, which is a whole number.")
    return numbers


def say(export: ContactExport) -> str:
    """Whom a key exported, for the audit log: nothing where it was a segment or everybody."""
    match export.selection:
        case {"ids": ids}:
            return f"{len(ids)} contacts by their IDs"
        case {"conditions": {"q": search}}:
            return f"search: {search}"
    return ""


def find_segment(bulk: WireBulk, given: Any) -> int | None:
    """By id or name; none at all means everybody."""
    if is_empty(given):
        return None
    found = None
    if isinstance(given, str | int) and not isinstance(given, bool):
        number, text = read_id(given), str(given).strip()
        keeper = populations.current()
        found = (keeper.find(number) if number else None) or (
            keeper.find(text) if "\0" not in text and text.isprintable() else None
        )
    if found is None:
        bulk.refuse("segment", SegmentUnknown.code, SegmentUnknown.default_message())
    return found


@contextmanager
def told_at(path: str) -> Iterator[None]:
    """What a verb refuses, as what is wrong with this property of the body, or with another that it names."""
    try:
        yield
    except FileTooLarge as error:
        raise BodyTooLarge(error.message) from error
    except Refused as error:
        raise refused(Problem(place_of(one, path), one.code, one.message) for one in error.errors) from error
    except CardfileError as error:
        raise refused([Problem(place_of(error, path), error.code, error.message)]) from error


def place_of(error: CardfileError, path: str) -> str:
    return PLACES.get(error.path) or (error.path if error.path.startswith(path) else path)
