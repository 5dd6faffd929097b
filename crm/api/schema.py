"""What every operation may answer, besides what it says of itself, and the header that every writing one takes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from crm.api.answers import IdempotencyKeyReused, InvalidIdempotencyKey
from crm.api.errors import STATUS_BY_CODE, TooManyCalls, describe_resource
from crm.api.errors import describe as describe_error
from crm.errors import CardfileError

__all__ = ["Error", "ErrorEntry", "describe_shared_answers", "failure"]

WRITING: Final = ("post", "put", "patch", "delete")
SHARED: Final[list[type[CardfileError]]] = [TooManyCalls]
SHARED_BY_WRITING: Final[list[type[CardfileError]]] = [InvalidIdempotencyKey, IdempotencyKeyReused]
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own name of this call. Sent again within a day, it is answered again and does nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
RATE: Final = {
    "X-RateLimit-Limit": {"description": "Calls a second.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Left of this second.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "Seconds until all are there again.", "schema": {"type": "integer"}},
}


class ErrorEntry(serializers.Serializer):
    path = serializers.CharField(help_text="Where in the body, such as channels[0].value.")
    code = serializers.CharField()
    message = serializers.CharField()


class Error(serializers.Serializer):
    status = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()
    errors = ErrorEntry(many=True)


def failure(status: int, code: str, message: str, *errors: tuple[str, str, str]) -> OpenApiResponse:
    """How an operation says that it may refuse; ``errors`` are (path, code, message)."""
    entries = [dict(zip(("path", "code", "message"), error, strict=True)) for error in errors]
    value = {"status": status, "code": code, "message": message, "errors": entries}
    return OpenApiResponse(Error, message, [OpenApiExample(code, value, response_only=True)])


def describe_shared_answers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook. Errors have the shape in which the operation tells its 401."""
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if "401" in operation.get("responses", {}):
                describe_answers(operation, keeps_answers=method in WRITING and keeps_answers(operation))
    return result


def keeps_answers(operation: dict[str, Any]) -> bool:
    """Answers are kept by API key, so only where one is shown."""
    return any("apiKey" in scheme for scheme in operation.get("security", ()))


def describe_answers(operation: dict[str, Any], *, keeps_answers: bool) -> None:
    responses = operation["responses"]
    for error in [*SHARED, *(SHARED_BY_WRITING if keeps_answers else [])]:
        number = STATUS_BY_CODE.get(error.code, 400)
        content = tell_instead(responses["401"]["content"], number, error)
        responses.setdefault(str(number), {"content": content, "description": error.default_message()})
    responses["429"].setdefault("headers", {**RETRY_AFTER, **RATE})
    for status, response in responses.items():
        if status.startswith("2"):
            response.setdefault("headers", {}).update(RATE)
    if keeps_answers:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    operation["responses"] = dict(sorted(responses.items()))


def tell_instead(content: dict[str, Any], number: int, error: type[CardfileError]) -> dict[str, Any]:
    """The same shape with another example."""
    content = deepcopy(content)
    for media in content.values():
        is_resource = any("title" in example["value"] for example in media.get("examples", {}).values())
        shape = describe_resource if is_resource else describe_error
        media["examples"] = {error.code: {"value": shape(number, error.code, error.default_message(), [])}}
    return content
