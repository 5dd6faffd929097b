"""An app as the tests play it: it calls with its key, and its people are the ones everybody knows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from django.test import Client

from contacts.keys import Kind
from contacts.mobile import create_app_key
from contacts.models import App, Identifier

__all__ = ["ANDROID", "DEVICE", "HEADER", "call_app", "make_app", "owner_of", "tokens_of_app"]

HEADER = "X-Reteno-Access-Key"
DEVICE = "6e1f6c5a-2f3b-4a41-9f0e-6f8f8d3c7d10"
ANDROID = {
    "deviceId": DEVICE,
    "pushToken": "push-1",
    "pushSubscribed": True,
    "category": "PHONE",
    "osType": "ANDROID",
    "osVersion": "14",
    "deviceModel": "Pixel 8",
    "appVersion": "3.2.0",
    "languageCode": "uk",
    "timeZone": "Europe/Kyiv",
}


def make_app(app_id: str = "shop") -> str:
    """An app of that ID; gives a key of it."""
    app, _is_new = App.objects.get_or_create(app_id=app_id, defaults={"name": app_id.title()})
    return create_app_key(app, "Test build")[1]


def call_app(key: str) -> Callable[..., Any]:
    """``call("device", {...})`` as an app with this key would call it."""

    def call(name: str, body: Any = None, *, packed: bool = False, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if packed:
            content, headers = gzip.compress(content), {"Content-Encoding": "gzip", **headers}
        return Client().post(
            f"/api/v1/{name}", content, content_type="application/json", headers={HEADER: key, **headers}
        )

    return call


def owner_of(value: str, kind: Kind = Kind.DEVICE) -> int | None:
    return Identifier.objects.filter(kind=kind, value=value).values_list("contact_id", flat=True).first()


def tokens_of_app(app: str = "shop") -> dict[str, dict[str, Any]]:
    """The push tokens of an app with what is known of them."""
    rows = Identifier.objects.filter(kind=Kind.MOBILE_PUSH, app=app)
    return {row.value: row.details or {} for row in rows}
