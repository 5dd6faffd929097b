"""The one place where an error becomes HTTP.

Every error is ``{"status", "code", "message", "errors": [{"path", "code", "message"}]}``, and every code that is not a
plain 400 has its status in one table. A room raises its ``CardfileError`` and knows nothing of this. A view whose
clients expect the other shape says ``error_shape = "resource"`` and raises the same errors.
"""

from http import HTTPStatus
from typing import Any, Final, NamedTuple

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.renderers import CONTENT_TYPE, encode
from crm.errors import CardfileError, Refused

__all__ = [
    "BodyTooLarge",
    "BrokenGzip",
    "Malformed",
    "NotAllowed",
    "NotAuthenticatedByKey",
    "NotFound",
    "ScopeTooNarrow",
    "TooManyCalls",
    "TryAgain",
    "UnsupportedEncoding",
    "handle_exception",
]

STATUS_BY_CODE = {
    "not_authenticated": 401,
    "forbidden": 403,
    "scope_too_narrow": 403,
    "site_unknown": 403,
    "origin_not_listed": 403,
    "not_found": 404,
    "contact_not_found": 404,
    "conflict": 409,
    "external_id_taken": 409,
    "external_id_conflict": 409,
    "merge_refused": 409,
    "undo_later_merge_first": 409,
    "write_conflict": 409,
    "idempotency_key_reused": 409,
    "request_under_way": 409,
    "answer_erased": 409,
    "export_goes_on": 409,
    "nothing_to_export": 409,
    "body_too_large": 413,
    "unsupported_encoding": 415,
    "too_many_requests": 429,
    "took_too_long": 503,
    "count_took_too_long": 503,
    "try_again": 503,
    "database_not_started": 503,
}
CODES_OF_DJANGO = {
    400: "malformed",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


class NotAuthenticatedByKey(CardfileError):
    """Send an API key: HTTP Basic, any user name, the key as the password."""

    code = "not_authenticated"


class ScopeTooNarrow(CardfileError):
    """This API key may not do that."""

    code = "scope_too_narrow"


class NotAllowed(CardfileError):
    """This is not allowed."""

    code = "forbidden"


class NotFound(CardfileError):
    """There is nothing at this address."""

    code = "not_found"


class Malformed(CardfileError):
    """The body is not valid JSON."""

    code = "malformed"


class BrokenGzip(Malformed):
    """The body is not what gzip packs, or not all of it arrived. Pack it again, or send it as it is."""


class BodyTooLarge(CardfileError):
    """The body is too large. Send less at a time."""

    code = "body_too_large"


class TooManyCalls(CardfileError):
    """Too many calls within a second. Wait a moment and send it again."""

    code = "too_many_requests"


class TryAgain(CardfileError):
    """Others kept changing the same contacts. Nothing is lost: send it again in a moment."""

    code = "try_again"


class UnsupportedEncoding(CardfileError):
    """This content encoding is not understood. Send the body as it is, or packed by gzip."""

    code = "unsupported_encoding"


Entries = list[dict[str, str]]
RESOURCE: Final = "resource"


class Refusal(NamedTuple):
    """What there is to say, whatever shape it is said in."""

    status: int
    code: str
    message: str
    errors: Entries
    headers: dict[str, str]


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook. ``None`` lets a true bug through to the log and the 500 page."""
    error = translate(error)
    if isinstance(error, CardfileError):
        refusal = refuse(error, context["request"])
    elif isinstance(error, exceptions.APIException):
        refusal = present(error)
    else:
        return None
    shape = describe_resource if getattr(context.get("view"), "error_shape", "") == RESOURCE else describe
    body = shape(refusal.status, refusal.code, refusal.message, refusal.errors)
    return Response(body, status=body["status"], headers=refusal.headers)


def refuse(error: CardfileError, request: Request) -> Refusal:
    number = STATUS_BY_CODE.get(error.code, status.HTTP_400_BAD_REQUEST)
    headers = {}
    if number == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = request.authenticators[0].authenticate_header(request)
    if retry_after := error.attributes.get("retry_after"):
        headers["Retry-After"] = str(retry_after)
    return Refusal(number, error.code, error.message, list_errors(error), headers)


def list_errors(error: CardfileError) -> Entries:
    if isinstance(error, Refused):
        return [entry for one in error.errors for entry in list_errors(one)]
    return [{"path": error.path, "code": error.code, "message": error.message}] if error.path else []


def translate(error: Exception) -> Exception:
    """Django's own refusals, as ours or REST framework's."""
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, PermissionDenied):
        return NotAllowed()
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()
    return error


def present(error: exceptions.APIException) -> Refusal:
    headers = {"WWW-Authenticate": error.auth_header} if getattr(error, "auth_header", None) else {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait + 0.999))
    entries = flatten(error.detail) if isinstance(error.detail, list | dict) else []
    message = _("Some values were refused.") if entries else str(error.detail)
    code = "invalid" if entries else CODES_OF_DJANGO.get(error.status_code, "error")
    return Refusal(error.status_code, code, message, entries, headers)


def flatten(detail: Any, path: str = "") -> Entries:
    """A serializer's nested errors as one list, with paths such as ``contacts[3].channels[0].value``."""
    if isinstance(detail, dict):
        nested = [(join(path, key), value) for key, value in detail.items()]
        nested = [(path if key.endswith("non_field_errors") else key, value) for key, value in nested]
    elif isinstance(detail, list) and any(isinstance(entry, dict | list) for entry in detail):
        nested = [(join(path, index), value) for index, value in enumerate(detail) if value]
    elif isinstance(detail, list):
        nested = [(path, value) for value in detail]
    else:
        return [{"path": path, "code": getattr(detail, "code", "invalid"), "message": str(detail)}]
    return [entry for key, value in nested for entry in flatten(value, key)]


def join(path: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def describe(number: int, code: str, message: str, errors: Entries | None = None) -> dict[str, Any]:
    return {"status": number, "code": code, "message": message, "errors": errors or []}


def describe_resource(number: int, code: str, message: str, errors: Entries) -> dict[str, Any]:
    """The shape of the family that addresses a contact by what it knows; what validation refuses is a 422 there."""
    invalid = bool(errors) and number == HTTPStatus.BAD_REQUEST
    status = HTTPStatus.UNPROCESSABLE_ENTITY if invalid else HTTPStatus(number)
    body: dict[str, Any] = {"status": status.value, "title": status.phrase, "detail": message, "code": code}
    if invalid:
        body["validationErrors"] = [{"path": entry["path"], "reason": entry["message"]} for entry in errors]
    return body


def answer(number: int, message: str) -> HttpResponse:
    body = describe(number, CODES_OF_DJANGO.get(number, "error"), message)
    return HttpResponse(encode(body), status=number, content_type=CONTENT_TYPE)


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
