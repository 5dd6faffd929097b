"""Whose scripts may call the API from a browser: nobody's, unless the settings list them."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example.com"
ASKED = {"HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}
CALLS = {
    # what: (listed, method, address, origin, more headers, allowed origin, status)
    "off by default": ([], "get", "/api/v1/contact/1", SHOP, {}, None, 401),
    "off by default, asked before": ([], "options", "/api/v1/contact", SHOP, ASKED, None, 401),
    "listed": ([SHOP], "get", "/api/v1/contact/1", SHOP, {}, SHOP, 401),
    "listed, nowhere": ([SHOP], "get", "/api/nowhere", SHOP, {}, SHOP, 404),
    "listed, asked before": ([SHOP], "options", "/api/v1/contact", SHOP, ASKED, SHOP, 204),
    "not listed": ([SHOP], "get", "/api/v1/contact/1", "https://evil.example.com", {}, None, 401),
    "not listed, asked before": ([SHOP], "options", "/api/v1/contact", "https://evil.example.com", ASKED, None, 401),
    "one that only begins alike": ([SHOP], "get", "/api/v1/contact/1", SHOP + ".evil.com", {}, None, 401),
    "not from a browser": ([SHOP], "get", "/api/v1/contact/1", "", {}, None, 401),
    "the back office": ([SHOP], "get", "/admin/login/", SHOP, {}, None, 200),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_origin_is_allowed_where_it_is_listed(settings, call):
    settings.CORS_ORIGINS, method, address, origin, headers, allowed, status = CALLS[call]
    headers = headers | ({"HTTP_ORIGIN": origin} if origin else {})

    answer = getattr(Client(), method)(address, **headers)

    assert answer.status_code == status
    assert answer.get("Access-Control-Allow-Origin") == allowed
    assert "Access-Control-Allow-Credentials" not in answer
    if settings.CORS_ORIGINS and address.startswith("/api/"):
        assert "Origin" in answer["Vary"]


def test_what_may_be_sent_is_told_before_the_call(settings):
    settings.CORS_ORIGINS = [SHOP]

    answer = Client().options("/api/v1/contact", HTTP_ORIGIN=SHOP, **ASKED)

    assert "PUT" in answer["Access-Control-Allow-Methods"]
    assert "Authorization" in answer["Access-Control-Allow-Headers"]
