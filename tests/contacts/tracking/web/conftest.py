"""A website and its pages, as the door for them sees it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

from contacts.identity.settings import forget_settings
from contacts.models import Site

SHOP = "https://shop.example.com"
OLENAS_COOKIE = "5f2b8c0d9e7a4613b1c2d3e4f5a6b7c8"
BOHDANS_COOKIE = "00112233445566778899aabbccddeeff"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


@pytest.fixture
def site(db: None) -> Any:
    forget_settings()
    yield Site.objects.create(name="Shop", origins=[SHOP])
    forget_settings()


@pytest.fixture
def tell(site: Site) -> Callable[..., Any]:
    """``tell("events", events=[…])`` as a page of the shop sends it; ``headers`` as Django's client takes them.

    Each call is from an address of its own, unless one is given.
    """

    callers = itertools.count(1)

    def send(
        what: str, body: Any = None, *, headers: dict[str, str] | None = None, address: str = "", **told: Any
    ) -> Any:
        sent = {"key": site.key, "cookie": OLENAS_COOKIE, **told} if body is None else body
        text = sent if isinstance(sent, bytes) else orjson.dumps(sent)
        known = {"Origin": SHOP, "User-Agent": BROWSER, **(headers or {})}
        return Client(
            REMOTE_ADDR=address or f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{next(callers)}"
        ).post(f"/api/v1/web/{what}", text, content_type="text/plain;charset=UTF-8", headers=known)

    return send
