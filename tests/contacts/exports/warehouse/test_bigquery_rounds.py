"""A dataset that is kept up to date is what a fresh full export would be; ``rounds`` asks it by hand of many more."""

from __future__ import annotations

import pytest

from tests.bigquery_emulator import MISSING, is_installed
from tests.contacts.exports.warehouse.comparing import live_on
from tests.contacts.exports.warehouse.comparing_bigquery import Project
from tests.contacts.exports.warehouse.happenings import Life
from tests.people import Stage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not is_installed(), reason=MISSING),
]


@pytest.mark.parametrize(("remove", "seed"), [(False, 1), (True, 2)], ids=["flagged", "removed"])
def test_after_every_round_the_dataset_is_what_a_fresh_full_export_would_be(
    stage: Stage, emulator: str, *, remove: bool, seed: int
) -> None:
    life = Life(seed, people=12)
    with Project.moved_in(emulator, remove=remove) as project:
        for number, different in enumerate(live_on(project, life, rounds=2, happenings=25)):
            assert different == [], f"round {number}: {life.happened}"
