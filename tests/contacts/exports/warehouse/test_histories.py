"""Random histories: after every step, what a warehouse was told makes what a full run would."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.activity import WEB_EVENT, NewEvent, record_events
from crm.errors import CardfileError
from tests.contacts.activity.test_total_histories import Shop
from tests.contacts.activity.test_total_histories import steps as shop_steps
from tests.contacts.exports.warehouse.copies import Copies, make_copies
from tests.contacts.identity.test_state_machine import records
from tests.contacts.identity.test_taking_back_histories import LongPlay
from tests.contacts.identity.test_taking_back_histories import steps as long_steps
from tests.contacts.identity.test_undo_histories import account, batches, import_ways, take_back, usual

pytestmark = pytest.mark.django_db

happening = st.tuples(st.just("happen"), st.lists(records, min_size=1, max_size=3))
steps = st.builds(lambda some, more: [*more, *some], long_steps, st.lists(happening, max_size=3))
few = settings(usual, max_examples=int(os.environ.get("HISTORIES", "4")))


class Told(LongPlay):
    """What is done to contacts, each step told to two warehouses: one flags whoever was deleted, one removes them."""

    def __init__(self, *, is_checked: bool = True) -> None:
        super().__init__()
        self.is_checked = is_checked
        self.copies: list[Copies] = [make_copies(), make_copies(leaves_out_deleted=True, name="Finance")]

    def carry_out(self, steps: list[Any]) -> None:
        for step in steps:
            super().carry_out([step])
            if self.is_checked:
                self.check()

    def check(self) -> None:
        for copies in self.copies:
            copies.catch_up()
            copies.check()

    def happen(self, told: list[dict[str, Any]]) -> None:
        record_events(
            [NewEvent("pageView", record) for record in told], by="tracker:web", at=self.tick(), plan=WEB_EVENT
        )


@few
@given(steps=steps, is_checked=st.booleans(), strict=st.booleans())
def test_whatever_is_done_to_contacts_is_told(steps: list[Any], is_checked: bool, strict: bool) -> None:
    with account(strict=strict):
        play = Told(is_checked=is_checked)
        play.carry_out(steps)
        play.check()


@few
@given(before=steps, batches=batches, way=import_ways, since=steps, is_checked=st.booleans())
def test_imports_are_told_and_so_is_that_they_were_taken_back(
    before: list[Any], batches: list[Any], way: dict[str, Any], since: list[Any], is_checked: bool
) -> None:
    with account(strict=False):
        play = Told(is_checked=is_checked)
        play.carry_out(before)
        play.run_import(batches, way)
        play.check()
        play.carry_out(since)
        take_back()
        play.check()


@few
@given(steps=shop_steps)
def test_orders_are_told_and_so_is_that_they_were_taken_back(steps: list[Any]) -> None:
    shop = Shop()
    with transaction.atomic():
        copies = make_copies()
        for name, *arguments in steps:
            try:
                with transaction.atomic():
                    getattr(shop, name)(*arguments)
            except CardfileError:
                continue
            copies.catch_up()
            copies.check()
        transaction.set_rollback(True)
