"""What an entry of the journal means outside, and when what failed is tried again: tables, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import ChangeKind
from contacts.webhooks.journal import KINDS, Row, read_row
from contacts.webhooks.message import concerns
from contacts.webhooks.schedule import MOST_ATTEMPTS, delay_after, is_given_up, size_after
from contacts.webhooks.sources import Happening

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OLENA, BOHDAN = 7, 8

MEANINGS = [
    # kind, details, state afterwards, is gone → kind, details
    ("created", {"rule": "L9"}, None, False, "created", {}),
    ("updated", {}, None, False, "updated", {}),
    ("migrated", {"migrated_to": BOHDAN}, None, False, "updated", {}),
    ("deleted", None, 2, False, "deleted", {}),
    ("restored", None, 1, False, "restored", {}),
    ("erased", None, None, False, "erased", {}),
    ("merged", {"loser": BOHDAN}, None, False, "merged", {"merged_id": BOHDAN}),
    ("merged", {"survivor": BOHDAN}, 3, False, None, None),
    ("unmerged", {"survivor": OLENA, "loser": BOHDAN}, None, False, "updated", {}),
    ("unmerged", {"survivor": BOHDAN, "loser": OLENA}, 1, False, "restored", {"unmerged_from": BOHDAN}),
    ("undone", {"import": 3}, None, False, "updated", {"import_undone": 3}),
    ("undone", {"import": 3}, 2, False, "deleted", {"import_undone": 3}),
    ("undone", {"import": 3}, 1, False, "restored", {"import_undone": 3}),
    ("undone", {"import": 3}, None, True, "erased", {"import_undone": 3}),
    ("undone", {"import": 3}, "erased", False, "updated", {"import_undone": 3}),
    ("detached", {"rows": []}, None, False, "updated", {}),
    ("taken_back", {"takes_back": 3}, None, False, "updated", {}),
    ("taken_back", {"takes_back": 3}, 1, False, "restored", {}),
    ("taken_back", {"takes_back": 3}, 2, False, "deleted", {}),
]


@pytest.mark.parametrize(("kind", "details", "state", "is_gone", "means", "told"), MEANINGS)
def test_an_entry_of_the_journal_means_one_thing_or_nothing(kind, details, state, is_gone, means, told):
    row = Row(1, OLENA, NOW, "user:1", kind, details, ["email"], state)

    happening = read_row(row, gone=[OLENA] if is_gone else [])

    assert (happening and happening.kind) == means
    assert (happening and happening.details) == told


def test_every_kind_of_the_journal_has_a_meaning():
    assert {kind for kind, *_ in MEANINGS} == set(ChangeKind.values)
    assert {means for *_, means, _ in MEANINGS} - {None} == set(KINDS)


CONCERNS = [
    # what changed, the columns of the target → whether it is told
    ("created", None, ["email"], True),
    ("updated", {"email", "town"}, ["email"], True),
    ("updated", {"town"}, ["email"], False),
    ("updated", {"identifiers"}, ["email"], False),
    ("updated", {"identifiers"}, [], True),
    ("updated", {"town"}, ["email", "updated_at"], True),
    ("updated", {"fields.tier"}, ["fields.tier"], True),
    ("erased", None, ["email"], False),
]


@pytest.mark.parametrize(("kind", "changed", "columns", "is_told"), CONCERNS)
def test_a_target_is_told_of_what_it_chose(kind, changed, columns, is_told):
    happening = Happening(1, kind, OLENA, NOW, changed=frozenset(changed) if changed is not None else None)

    assert concerns(happening, kinds=["created", "updated"], columns=columns) == is_told


DELAYS = [
    # failures in a row, status, Retry-After → seconds
    (1, None, None, 10),
    (2, 500, None, 30),
    (3, 503, None, 90),
    (7, None, None, 7200),
    (500, None, None, 7200),
    (1, 429, 600, 600),
    (1, 503, 10**6, 7200),
    (9, 422, None, 10),
]


@pytest.mark.parametrize(("failures", "status", "asked", "seconds"), DELAYS)
def test_it_waits_ever_longer_and_as_long_as_the_server_asks(failures, status, asked, seconds):
    assert delay_after(failures, status=status, retry_after=asked) == timedelta(seconds=seconds)


def test_a_server_that_is_silent_is_waited_for_about_a_day():
    waited = sum((delay_after(failures, status=None) for failures in range(1, MOST_ATTEMPTS)), timedelta())

    assert timedelta(hours=20) < waited < timedelta(hours=26)
    assert not is_given_up(MOST_ATTEMPTS - 1, status=None, size=100)
    assert is_given_up(MOST_ATTEMPTS, status=None, size=100)


def test_a_batch_that_is_refused_is_halved_before_anything_is_given_up():
    sizes = [size_after(attempts, status=422, size=100) for attempts in range(9)]

    assert sizes == [100, 50, 25, 12, 6, 3, 1, 1, 1]
    assert not any(is_given_up(attempts, status=422, size=2) for attempts in range(50))
    assert is_given_up(7, status=422, size=1)
