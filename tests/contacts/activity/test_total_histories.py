"""Random histories of orders that come and are taken back, merges and erasures: totals always equal a fresh sum."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.activity import NewOrder, record_orders
from contacts.activity.checks import dump_json
from contacts.activity.order_undo import Written, take_back_orders
from contacts.identity import (
    delete_contacts,
    erase_contacts,
    merge_contacts,
    resolve_one,
    restore_contacts,
    take_back_change,
    undo_merge,
)
from contacts.identity.integrity import find_problems
from contacts.identity.load import open_cursor
from contacts.identity.types import API
from contacts.models import Change, Contact, ContactState, Merge, Order, OrderStatus, OrderTotal
from crm.errors import CardfileError
from tests.contacts.activity.conftest import BY, NOW

pytestmark = pytest.mark.django_db

PEOPLE = ("olena@example.com", "marko@example.com", "iryna@example.com")
people, numbers = st.sampled_from(PEOPLE), st.integers(1, 4)
ordering = st.tuples(
    st.just("order"),
    people,
    numbers,
    st.sampled_from([*OrderStatus.values, "DELIVERED", "DELIVERED"]),
    st.sampled_from(["0", "19.90", "19.9", "-5", "99999999999999.9999"]),
    st.sampled_from(["UAH", "EUR"]),
    st.integers(0, 3),
)
acting = st.one_of(
    st.tuples(st.just("take_orders_back")),
    st.tuples(st.just("merge"), people, people),
    st.tuples(st.just("undo_merge"), numbers),
    st.tuples(st.just("take_back"), numbers),
    st.tuples(st.just("delete"), people),
    st.tuples(st.just("restore"), people),
    st.tuples(st.just("erase"), people),
)
steps = st.lists(st.one_of(ordering, ordering, acting), max_size=14)
few = settings(
    max_examples=int(os.environ.get("HISTORIES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


class Shop:
    """What happens in it, each verb on whoever has that address now. ``written`` are batches of orders, as an import
    keeps them."""

    def __init__(self) -> None:
        self.written: list[list[Written]] = []

    def order(self, who: str, number: int, status: str, total: str, currency: str, days: int) -> None:
        made = NewOrder(f"N-{number}", {"email": who}, status, total, currency, NOW - timedelta(days=days))
        # Twice, the second time in the middle of others: one number may come several times in a batch.
        later = NewOrder(f"N-{number + 1}", {"email": who}, "DELIVERED", 1, currency, NOW)
        at = datetime.now(UTC)

        def keep(outcomes: Any, writes: Any) -> None:
            told = orjson.loads(dump_json([write.before for write in writes]))
            self.written.append(
                [Written(one.number, before, one.events, at) for one, before in zip(writes, told, strict=True)]
            )

        record_orders([made, later, made] if days % 2 else [made], by=BY, at=at, within=keep)

    def take_orders_back(self) -> None:
        if self.written:
            with closing(open_cursor()) as cursor:
                take_back_orders(cursor, self.written.pop(), at=datetime.now(UTC))

    def merge(self, who: str, whom: str) -> None:
        merge_contacts(self.id_of(who), self.id_of(whom), by="user:1")

    def undo_merge(self, which: int) -> None:
        merges = list(Merge.objects.filter(undone_at=None).order_by("-pk"))
        if merges:
            undo_merge(merges[which % len(merges)].pk, by="user:1")

    def take_back(self, which: int) -> None:
        changes = list(Change.objects.order_by("-pk").values_list("contact_id", "pk"))
        if changes:
            take_back_change(*changes[which % len(changes)], by="user:1")

    def delete(self, who: str) -> None:
        delete_contacts([self.id_of(who)], by="user:1")

    def restore(self, who: str) -> None:
        restore_contacts([self.id_of(who)], by="user:1")

    def erase(self, who: str) -> None:
        erase_contacts([self.id_of(who)], by="user:1")

    def id_of(self, who: str) -> int:
        known = Contact.objects.filter(email=who, state__in=(ContactState.ACTIVE, ContactState.DELETED))
        found = known.order_by("-pk").values_list("pk", flat=True).first()
        return found or int(resolve_one({"email": who}, API, by=BY).contact_id or 0)


def fresh_totals() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, currency, count(*), sum(total_cost), min(ordered_at), max(ordered_at)"
            " FROM contacts_order WHERE status = 'DELIVERED' GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return list(cursor.fetchall())


def kept_totals() -> list[tuple[Any, ...]]:
    rows = OrderTotal.objects.order_by("contact_id", "currency")
    return list(rows.values_list("contact_id", "currency", "count", "amount", "first_at", "last_at"))


@few
@given(steps=steps)
def test_totals_equal_a_fresh_sum_after_every_step(db, steps):
    shop = Shop()
    with transaction.atomic():
        for name, *arguments in steps:
            try:
                with transaction.atomic():
                    getattr(shop, name)(*arguments)
            except CardfileError:
                continue
            assert kept_totals() == fresh_totals(), (name, arguments)
        assert find_problems() == []
        assert Order.objects.exists() or not OrderTotal.objects.exists()
        transaction.set_rollback(True)
