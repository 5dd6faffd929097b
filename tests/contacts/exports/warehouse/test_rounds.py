"""A target that is kept up to date is what a fresh full export would be; ``rounds`` asks it by hand of many more."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.contacts.exports.warehouse.comparing import Company, live_on
from tests.contacts.exports.warehouse.happenings import Life
from tests.people import Stage
from tests.second_server import MISSING, find_second_binaries, second_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(find_second_binaries() is None, reason=MISSING),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with second_server(fsync="off", shared_buffers="32MB") as address:
        yield address


@pytest.mark.parametrize(("remove", "seed"), [(False, 1), (True, 2)], ids=["flagged", "removed"])
def test_after_every_round_the_target_is_what_a_fresh_full_export_would_be(
    stage: Stage, server: str, *, remove: bool, seed: int
) -> None:
    life = Life(seed, people=12)
    with psycopg.connect(server, autocommit=True) as administrator:
        company = Company.move_in(administrator, server, remove=remove)
        for number, different in enumerate(live_on(company, life, rounds=3, happenings=25)):
            assert different == [], f"round {number}: {life.happened}"
