"""Where a full run goes on after it was killed."""

from __future__ import annotations

import json

import pytest

from contacts.exports.warehouse.filling import Filling, made_of
from contacts.exports.warehouse.types import OutColumn, TableShape

ID = OutColumn("id", "contactId", "bigint", "Contact ID")
EMAIL = OutColumn("email", "email", "text", "Email")
SHAPE = TableShape("contacts", (ID, EMAIL), ("contactId",))


def begun() -> Filling:
    return Filling.begin({"journal": 7}, made_of(SHAPE, leaves_out_deleted=False))


def test_it_is_kept_as_json() -> None:
    filling = begun().reach_for(1_000).piece_done().reach_for(2_000)
    assert Filling.from_json(json.loads(json.dumps(filling.as_json()))) == filling


def test_nothing_kept_is_nothing_begun() -> None:
    assert Filling.from_json({}) is None


def test_a_piece_that_is_done_is_left_behind() -> None:
    filling = begun().reach_for(1_000).piece_done()
    assert (filling.piece, filling.after, filling.end) == (1, 1_000, None)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (1, (1, 1_000, 2_000)),  # killed before the target had the piece: the same piece again
        (2, (2, 2_000, None)),  # killed between the target's commit and ours: the next one
        (0, None),  # somebody dropped the table beside: from the beginning
        (5, None),
    ],
)
def test_it_goes_on_where_both_sides_agree(pieces: int, expected: tuple[int, int, int | None] | None) -> None:
    stands = begun().reach_for(1_000).piece_done().reach_for(2_000).at(pieces)
    assert (stands and (stands.piece, stands.after, stands.end)) == expected


def test_a_target_cannot_be_ahead_of_a_piece_that_was_never_begun() -> None:
    assert begun().at(1) is None


def test_two_full_runs_never_share_a_table() -> None:
    assert begun().run != begun().run


def test_another_column_name_or_treatment_of_the_deleted_makes_another_table() -> None:
    made = made_of(SHAPE, leaves_out_deleted=False)
    others = [
        made_of(TableShape("contacts", (ID,), ("contactId",)), leaves_out_deleted=False),
        made_of(TableShape("people", (ID, EMAIL), ("contactId",)), leaves_out_deleted=False),
        made_of(SHAPE, leaves_out_deleted=True),
    ]
    assert all(other != made for other in others)
