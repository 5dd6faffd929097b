"""Bodies: how large, how deep, how packed; and the two shapes in which a refusal is told."""

import gzip
import json

import pytest
from django.urls import path
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from crm import urls
from crm.api.errors import RESOURCE, NotFound
from crm.api.parsers import DEEPEST
from crm.api.views import EVENT_BODY_BYTES, ApiView
from crm.errors import CardfileError, Refused


class NotGood(CardfileError):
    """This is not good. Send something else."""

    code = "not_good"


RAISED = {
    "invalid": lambda: ValidationError({"_email": ["Write an email address."]}),
    "several": lambda: Refused([NotGood(path="products[0].price"), NotGood("No.", path="totalPrice")]),
    "alone": NotGood,
    "missing": NotFound,
}


class Bodies(ApiView):
    area = "contacts"

    def post(self, request):
        return Response(request.data)


class Events(Bodies):
    most_body_bytes = EVENT_BODY_BYTES


class Resource(Bodies):
    error_shape = RESOURCE

    def get(self, request):
        error = RAISED[request.query_params["error"]]()
        raise error


urlpatterns = [
    path("api/bodies", Bodies.as_view()),
    path("api/events", Events.as_view()),
    path("api/resource", Resource.as_view()),
    *urls.urlpatterns,
]
handler404 = urls.handler404
handler400 = urls.handler400
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

HELLO = b'{"a": "Olena"}'
PACKED = gzip.compress(HELLO)


def text(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"[1]" + b"}" * (levels - 1)


SENT = {
    # what: (address, body, Content-Encoding, status, code)
    "as large as may be": ("bodies", text(5 * 1024 * 1024), "", 200, None),
    "one byte more": ("bodies", text(5 * 1024 * 1024 + 1), "", 413, "body_too_large"),
    "an event as large as may be": ("events", text(20 * 1024), "", 200, None),
    "an event one byte larger": ("events", text(20 * 1024 + 1), "", 413, "body_too_large"),
    "packed": ("bodies", PACKED, "gzip", 200, None),
    "packed, the old name": ("bodies", PACKED, "x-gzip", 200, None),
    "packed, loudly": ("bodies", PACKED, " GZIP ", 200, None),
    "packed into nothing": ("bodies", gzip.compress(text(5 * 1024 * 1024 + 1)), "gzip", 413, "body_too_large"),
    "packed to the limit": ("bodies", gzip.compress(text(5 * 1024 * 1024)), "gzip", 200, None),
    "a packed event too large": ("events", gzip.compress(text(20 * 1024 + 1)), "gzip", 413, "body_too_large"),
    "not packed at all": ("bodies", HELLO, "gzip", 400, "malformed"),
    "half a pack": ("bodies", PACKED[:-9], "gzip", 400, "malformed"),
    "a wrong checksum": ("bodies", PACKED[:-8] + b"\0" * 8, "gzip", 400, "malformed"),
    "something behind the pack": ("bodies", PACKED + b"more", "gzip", 400, "malformed"),
    "nothing at all": ("bodies", b"", "gzip", 200, None),
    "packed, but not JSON": ("bodies", gzip.compress(b"{"), "gzip", 400, "malformed"),
    "packed otherwise": ("bodies", HELLO, "br", 415, "unsupported_encoding"),
    "packed twice": ("bodies", HELLO, "gzip, gzip", 415, "unsupported_encoding"),
    "not packed, and said so": ("bodies", HELLO, "identity", 200, None),
    "as deep as may be": ("bodies", nested(DEEPEST), "", 200, None),
    "a level deeper": ("bodies", nested(DEEPEST + 1), "", 400, "malformed"),
    "a level deeper, with a long number": (
        "bodies",
        b'{"id": 12345678901234567890, "a": ' + nested(DEEPEST) + b"}",
        "",
        400,
        "malformed",
    ),
    "wide, not deep": ("bodies", b"[" + b"{}," * 200 + b"{}]", "", 200, None),
    "very deep": ("bodies", b"[" * 2_000_000, "", 400, "malformed"),
}


@pytest.mark.parametrize("sent", SENT)
def test_a_body_has_limits_packed_or_not(call_api, sent):
    address, body, encoding, status, code = SENT[sent]
    headers = {"HTTP_CONTENT_ENCODING": encoding} if encoding else {}

    answer = call_api("generic", "POST", f"/api/{address}", data=body, content_type="application/json", **headers)

    assert answer.status_code == status
    assert answer.json().get("code") == code if code else answer.content


def test_an_empty_packed_body_is_an_empty_object(call_api):
    answer = call_api(
        "generic", "POST", "/api/bodies", data=gzip.compress(b""), content_type="", HTTP_CONTENT_ENCODING="gzip"
    )

    assert answer.json() == {}


SHAPES = {
    "invalid": (
        422,
        {
            "title": "Unprocessable Entity",
            "detail": "Some values were refused.",
            "code": "invalid",
            "validationErrors": [{"path": "_email", "reason": "Write an email address."}],
        },
    ),
    "several": (
        422,
        {
            "title": "Unprocessable Entity",
            "detail": Refused.default_message(),
            "code": "refused",
            "validationErrors": [
                {"path": "products[0].price", "reason": "This is not good. Send something else."},
                {"path": "totalPrice", "reason": "No."},
            ],
        },
    ),
    "alone": (
        400,
        {"title": "Bad Request", "detail": "This is not good. Send something else.", "code": "not_good"},
    ),
    "missing": (404, {"title": "Not Found", "detail": "There is nothing at this address.", "code": "not_found"}),
}


@pytest.mark.parametrize("error", SHAPES)
def test_a_resource_tells_its_errors_in_the_other_shape(call_api, error):
    status, said = SHAPES[error]

    answer = call_api("get", f"/api/resource?error={error}")

    assert answer.status_code == status
    assert answer.json() == {"status": status, **said}


def test_the_other_shape_is_kept_before_the_view_is_reached(client, call_api):
    missing = client.get("/api/resource")
    narrow = call_api("post", "/api/resource", {}, scope="read")

    assert json.loads(missing.content) == {
        "status": 401,
        "title": "Unauthorized",
        "detail": "Send an API key: HTTP Basic, any user name, the key as the password.",
        "code": "not_authenticated",
    }
    assert missing["WWW-Authenticate"].startswith("Basic")
    assert (narrow.status_code, narrow.json()["title"]) == (403, "Forbidden")
