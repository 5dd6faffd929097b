"""Values are looked up one by one where they are few, and together where they are many: the answer is the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import pytest
from django.db import transaction

from contacts.identity import load, resolve, suppress_addresses
from contacts.identity.types import API, API_BULK
from contacts.identity.world import TOO_COMMON, World
from contacts.keys import Kind
from contacts.models import ChannelState
from contacts.records import Key

pytestmark = pytest.mark.django_db

OLENA, FAMILY = "olena@example.com", "family@example.com"
STRANGERS: list[Key] = [(int(Kind.EMAIL), "", f"nobody.{number}@example.com") for number in range(load.MANY)]


def look_up(keys: Sequence[Key]) -> World:
    world = World(moment=datetime.now(UTC), new_ids=iter(()))
    with transaction.atomic(), closing(load.open_cursor()) as cursor:
        load.find(cursor, world, keys)
    return world


def test_among_many_values_each_has_the_owners_that_it_has_alone() -> None:
    devices = [{"kind": "device", "app": app, "value": "C-1"} for app in ("shop", "club")]
    resolve(
        [{"external_id": "C-1", "email": OLENA}, {"external_id": "C-9", "identifiers": devices[:1]}], API, by="user:1"
    )
    resolve([{"external_id": f"C-{number}", "email": FAMILY} for number in range(2, 6)], API_BULK, by="user:1")
    keys: list[Key] = [
        (int(Kind.EXTERNAL_ID), "", "C-1"),
        (int(Kind.EMAIL), "", OLENA),
        (int(Kind.EMAIL), "", FAMILY),
        (int(Kind.PHONE), "", "C-1"),  # the same text, another kind
        (int(Kind.DEVICE), "shop", "C-1"),
        (int(Kind.DEVICE), "club", "C-1"),
    ]

    among_many = look_up([*keys, *STRANGERS])

    for key in keys:
        assert among_many.owners.get(key) == look_up([key]).owners.get(key), key
    assert len(among_many.owners[int(Kind.EMAIL), "", FAMILY]) == 4
    assert among_many.known_keys == {*keys, *STRANGERS}


def test_among_many_values_one_that_too_many_have_is_cut_off() -> None:
    records = [{"external_id": f"C-{number}", "email": FAMILY} for number in range(TOO_COMMON + 60)]
    resolve(records, API_BULK, by="user:1")
    key: Key = (int(Kind.EMAIL), "", FAMILY)

    assert len(look_up([key, *STRANGERS]).owners[key]) > TOO_COMMON


def test_among_many_addresses_a_suppressed_one_is_known() -> None:
    keys: list[Key] = [(int(Kind.EMAIL), "", OLENA), *STRANGERS]
    assert look_up(keys).suppressed == {}

    suppress_addresses([OLENA], ChannelState.BLACKLISTED, by="user:1")

    assert look_up(keys).suppressed == look_up(keys[:1]).suppressed
    assert list(look_up(keys).suppressed) == keys[:1]
