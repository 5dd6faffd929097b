"""People as activity meets them, and words for what tests ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.activity import NewEvent, NewOrder
from contacts.identity import resolve_one
from contacts.identity.settings import forget_settings
from contacts.identity.types import API

BY = "key:1"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_settings() -> None:
    forget_settings()


@pytest.fixture
def make_contact(db: None) -> Callable[..., int]:
    """``make_contact(email="olena@example.com", cookies=["c1"])``: the id of a contact made by the API."""
    return create_contact


def create_contact(*, at: datetime = NOW - timedelta(days=30), **record: Any) -> int:
    contact_id = resolve_one(as_record(**record), API, by=BY, at=at).contact_id
    assert contact_id is not None
    return contact_id


def as_record(*, devices: tuple[str, ...] = (), cookies: tuple[str, ...] = (), **record: Any) -> dict[str, Any]:
    identifiers = [{"kind": "device", "value": value} for value in devices]
    identifiers += [{"kind": "cookie", "value": value} for value in cookies]
    return {**record, "identifiers": identifiers} if identifiers else record


def event(
    type: str = "pageView",  # noqa: A002
    /,
    *,
    occurred_at: datetime | None = NOW,
    key: str = "",
    once: bool = False,
    params: Any = None,
    **record: Any,
) -> NewEvent:
    shown = {"page": "/boots"} if params is None else params
    return NewEvent(type, as_record(**record), key=key, params=shown, occurred_at=occurred_at, once=once)


def order(number: str, status: str = "INITIALIZED", *, total: Any = "199.90", **record: Any) -> NewOrder:
    return NewOrder(number, as_record(**record), status, total, "UAH", NOW - timedelta(days=1))
