"""How files of contacts, in and out, describe themselves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from contacts.api.jobs_shown import COMPRESSIONS
from contacts.api.schema import BODY_FAILURES, FAILURES, failure
from contacts.api.schema_bulk import Choices, Counts
from contacts.api.schema_resource import RESOURCE_BODY_FAILURES, RESOURCE_FAILURES, resource_failure
from contacts.api.translate_bulk import DEDUPE_NAMES
from contacts.exports.filters import STATUSES
from contacts.exports.formats import FORMATS
from contacts.models import ImportContent
from contacts.wire import LARGEST_ID
from crm.api.links import Link, leads_to
from crm.api.pagination import PAGE_PARAMETERS

__all__ = [
    "add_export",
    "add_import",
    "cancel_export",
    "get_export",
    "get_import",
    "list_exports",
    "list_imports",
    "upload_contacts",
]

TAG: Final = "Jobs"
STATUS_NAMES: Final = list(STATUSES)
TYPES: Final = ["import", "export"]


# Shapes


class Upload(Choices):
    link = serializers.CharField(
        help_text="An https link to a CSV file of at most 100 MB, on a host that the account's settings list. Columns"
        " are known by their names; custom fields by their keys, also behind anything and a dot."
    )


class UploadResult(serializers.Serializer):
    message = serializers.CharField(allow_blank=True)
    importId = serializers.CharField()
    asyncSessionId = serializers.CharField(help_text="Ask for the status by it.")
    fileId = serializers.CharField()
    valid = serializers.BooleanField()


class FileToImport(serializers.Serializer):
    file = serializers.FileField(help_text="CSV; its first line names the columns.")
    overrideExisting = serializers.BooleanField(
        required=False, help_text="Else contacts that there are stay as they are."
    )
    updateOnlyEmptyFields = serializers.BooleanField(
        required=False, help_text="Contacts that there are get what they do not have."
    )
    dedupeOn = serializers.ChoiceField(
        choices=DEDUPE_NAMES, required=False, help_text="Else external ID, email, phone, whichever the file has first."
    )
    fieldId = serializers.IntegerField(required=False, help_text="With dedupeOn fieldId.")
    groupNames = serializers.ListField(child=serializers.CharField(), required=False)
    restoreDeleted = serializers.BooleanField(required=False)


class Job(serializers.Serializer):
    id = serializers.IntegerField()
    type = serializers.ChoiceField(choices=TYPES)
    status = serializers.ChoiceField(choices=STATUS_NAMES)
    total = serializers.IntegerField(allow_null=True, help_text="null until it was counted.")
    success = serializers.IntegerField()
    errors = serializers.IntegerField()
    errorReportFileUrl = serializers.CharField(allow_null=True, help_text="A CSV; the link holds for a day.")
    message = serializers.CharField(allow_blank=True)
    createdAt = serializers.CharField()
    startedAt = serializers.CharField(allow_null=True)
    finishedAt = serializers.CharField(allow_null=True)


class ImportJob(Job):
    fileName = serializers.CharField()
    content = serializers.ChoiceField(choices=ImportContent.values, help_text="What the rows of the file are.")
    counts = Counts()


class ExportJob(Job):
    format = serializers.ChoiceField(choices=list(FORMATS))
    compression = serializers.ChoiceField(choices=list(COMPRESSIONS))
    segment = serializers.IntegerField(allow_null=True, help_text="null: all contacts, or those that were chosen.")
    fileUrl = serializers.CharField(allow_null=True, help_text="Once it is finished, until it expires. Needs no key.")
    fileSize = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    expiresAt = serializers.CharField(allow_null=True)


class Export(serializers.Serializer):
    segment = serializers.CharField(required=False, help_text="Its id or its name; left out, all contacts.")
    search = serializers.CharField(
        required=False, help_text="Active contacts that the back office's search finds, in the segment if there is one."
    )
    contactIds = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="These contacts, at most 10,000, and nothing else."
    )
    format = serializers.ChoiceField(choices=list(FORMATS), required=False, help_text="csv unless it is said.")
    compression = serializers.ChoiceField(
        choices=list(COMPRESSIONS), required=False, help_text="none unless it is said."
    )
    columns = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Keys such as email or fields.tier, or names such as externalCustomerId; else all.",
    )


# Examples

MOMENTS: Final = {
    "createdAt": "2026-05-14T10:11:10.000Z",
    "startedAt": "2026-05-14T10:11:11.000Z",
    "finishedAt": "2026-05-14T10:11:12.000Z",
}
IMPORT: Final[dict[str, Any]] = {
    "id": 12,
    "type": "import",
    "status": "finished",
    "total": 2,
    "success": 2,
    "errors": 0,
    "errorReportFileUrl": None,
    "message": "",
    "fileName": "contacts.csv",
    "content": "contacts",
    "counts": {"created": 2, "updated": 0, "unchanged": 0, "restored": 0, "skipped": 0, "failed": 0},
    **MOMENTS,
}
EXPORT: Final[dict[str, Any]] = {
    "id": 3,
    "type": "export",
    "status": "finished",
    "total": 2,
    "success": 2,
    "errors": 0,
    "errorReportFileUrl": None,
    "message": "",
    "format": "csv",
    "compression": "none",
    "segment": 7,
    "fileUrl": "https://crm.example.com/api/v1/files/eyJj…",
    "fileSize": 1024,
    "expiresAt": "2026-05-15T10:11:12.000Z",
    **MOMENTS,
}
NO_FILE: Final = {"fileUrl": None, "fileSize": None, "expiresAt": None}
UPLOAD: Final = {"dedupeOn": "email", "link": "https://files.example.com/contacts.csv", "groupNames": ["Newsletter"]}
REFUSED_LINK: Final = (
    "Files may not be fetched from there. Use an https link to a host that the account's settings list."
)
NO_SUCH_JOB: Final = {404: resource_failure(404, "not_found", "There is no such import.")}
REFUSED_FORM: Final = {
    422: resource_failure(
        422,
        "invalid",
        "Some values were refused.",
        ("file", "The file is no table. Upload CSV, TSV, TXT, XLSX or XLS."),
    )
}
REFUSED_EXPORT: Final = {
    422: resource_failure(
        422,
        "invalid",
        "Some values were refused.",
        ("segment", "There is no such segment. Send the id or the name of one that there is."),
    )
}
NOT_YOURS: Final = {
    403: resource_failure(403, "forbidden", "Whoever asked for an export may cancel it. Ask them, or an administrator.")
}
OVER: Final = {409: resource_failure(409, "conflict", "This export is over. Look what came of it.")}
REFUSED_LIST: Final = {
    422: resource_failure(
        422, "invalid", "Some values were refused.", ("maxrows", "Write a whole number that is not negative.")
    )
}
LIST_PARAMETERS: Final = [
    OpenApiParameter("status", {"type": "string", "enum": STATUS_NAMES}),
    OpenApiParameter("createdAfter", OpenApiTypes.DATETIME),
    OpenApiParameter("createdBefore", OpenApiTypes.DATETIME),
    *PAGE_PARAMETERS,
]


def number_in_path(name: str) -> OpenApiParameter:
    numbers = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID}
    return OpenApiParameter(name, numbers, OpenApiParameter.PATH)


# Operations

upload_contacts = extend_schema(
    operation_id="fileContactsBulkUpdate",
    summary="Import a file by a link",
    description=(
        "The file is fetched in the background, never from a private network, and imported. How far it is tells"
        " `GET /v1/importstatus/{importId}`."
    ),
    tags=["Contacts"],
    request=Upload,
    responses={
        200: OpenApiResponse(UploadResult, "The session."),
        400: failure(400, "invalid", "Some values were refused.", ("link", "host_not_listed", REFUSED_LINK)),
        413: BODY_FAILURES[413],
        415: BODY_FAILURES[415],
        **FAILURES,
    },
    examples=[
        OpenApiExample("a link", UPLOAD, request_only=True),
        OpenApiExample(
            "the session",
            {"message": "", "importId": "12", "asyncSessionId": "12", "fileId": "12", "valid": True},
            response_only=True,
            status_codes=[200],
        ),
    ],
    extensions=leads_to(
        Link("getImportSessionStatus", {"session_id": "$response.body#/asyncSessionId"}),
        Link("getImport", {"import_id": "$response.body#/importId"}),
    ),
)
add_import = extend_schema(
    operation_id="addImport",
    summary="Import a file",
    description="The file is taken, and imported in the background. Its columns are known by their names.",
    tags=[TAG],
    request={"multipart/form-data": FileToImport},
    responses={
        200: OpenApiResponse(ImportJob, "The job."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **REFUSED_FORM,
    },
    examples=[OpenApiExample("a job", IMPORT, response_only=True, status_codes=[200])],
    extensions=leads_to(
        Link("getImport", {"import_id": "$response.body#/id"}),
        Link("getImportSessionStatus", {"session_id": "$response.body#/id"}),
    ),
)
list_imports = extend_schema(
    operation_id="listImports",
    summary="Imports, the latest first",
    tags=[TAG],
    parameters=LIST_PARAMETERS,
    responses={200: OpenApiResponse(ImportJob(many=True), "The jobs."), **RESOURCE_FAILURES, **REFUSED_LIST},
    examples=[OpenApiExample("a job", IMPORT, response_only=True, status_codes=[200])],
    extensions=leads_to(Link("getImport", {"import_id": "$response.body#/0/id"})),
)
get_import = extend_schema(
    operation_id="getImport",
    summary="How far an import is",
    tags=[TAG],
    parameters=[number_in_path("import_id")],
    responses={200: OpenApiResponse(ImportJob, "The job."), **RESOURCE_FAILURES, **NO_SUCH_JOB},
    examples=[OpenApiExample("a job", IMPORT, response_only=True, status_codes=[200])],
)
add_export = extend_schema(
    operation_id="addExport",
    summary="Export contacts",
    description=(
        "The contacts of a segment, those that a search finds or that are named, or all, become a file in the"
        " background, which can be fetched for a day. Where a contact is erased meanwhile, the file is withdrawn. In"
        " csv, tsv and xlsx a text that a spreadsheet would compute has a ' before it."
    ),
    tags=[TAG],
    request=Export,
    responses={
        200: OpenApiResponse(ExportJob, "The job."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **REFUSED_EXPORT,
    },
    examples=[
        OpenApiExample("a segment", {"segment": "Newsletter", "format": "csv"}, request_only=True),
        OpenApiExample("a job", EXPORT, response_only=True, status_codes=[200]),
    ],
    extensions=leads_to(Link("getExport", {"export_id": "$response.body#/id"})),
)
list_exports = extend_schema(
    operation_id="listExports",
    summary="Exports, the latest first",
    tags=[TAG],
    parameters=LIST_PARAMETERS,
    responses={200: OpenApiResponse(ExportJob(many=True), "The jobs."), **RESOURCE_FAILURES, **REFUSED_LIST},
    examples=[OpenApiExample("a job", EXPORT, response_only=True, status_codes=[200])],
    extensions=leads_to(Link("getExport", {"export_id": "$response.body#/0/id"})),
)
get_export = extend_schema(
    operation_id="getExport",
    summary="How far an export is",
    tags=[TAG],
    parameters=[number_in_path("export_id")],
    responses={200: OpenApiResponse(ExportJob, "The job."), **RESOURCE_FAILURES, **NO_SUCH_JOB},
    examples=[OpenApiExample("a job", EXPORT, response_only=True, status_codes=[200])],
)
cancel_export = extend_schema(
    operation_id="cancelExport",
    summary="Cancel an export",
    description=(
        "For the key that asked for it, and for keys that may do everything, while it waits or is written. Nothing of"
        " the file stays."
    ),
    tags=[TAG],
    parameters=[number_in_path("export_id")],
    request=None,
    responses={
        200: OpenApiResponse(ExportJob, "It is cancelled."),
        **RESOURCE_FAILURES,
        **RESOURCE_BODY_FAILURES,
        **NOT_YOURS,
        **NO_SUCH_JOB,
        **OVER,
    },
    examples=[
        OpenApiExample(
            "a job",
            {**EXPORT, "status": "cancelled", "message": "Somebody cancelled the export.", **NO_FILE},
            response_only=True,
            status_codes=[200],
        )
    ],
)
