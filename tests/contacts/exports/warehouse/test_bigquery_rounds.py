"""A dataset that is kept up to date is what a fresh full export would be, on an emulator of BigQuery."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contacts.exports.warehouse.bigquery import open_target
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.flow import choose_tables, save_target
from contacts.models import Deletions, ExportTarget, TargetKind
from tests.bigquery_emulator import MISSING, PROJECT, bigquery_emulator, is_installed
from tests.contacts.exports.warehouse.comparing import FRESH, KEPT, Company, Difference, live_on, what_is_here
from tests.contacts.exports.warehouse.happenings import Life
from tests.people import Stage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not is_installed(), reason=MISSING),
]

ROUNDS = int(os.environ.get("BIGQUERY_ROUNDS", "2"))
"""More by hand."""


@dataclass
class Project(Company):
    """Two datasets of one project."""

    @classmethod
    def begin(cls, client: Any, address: str, *, remove: bool) -> Project:
        targets = []
        for dataset in (KEPT, FRESH):
            client.delete_dataset(f"{PROJECT}.{dataset}", delete_contents=True, not_found_ok=True)
            client.create_dataset(f"{PROJECT}.{dataset}")
            settings = {"project": PROJECT, "dataset": dataset, "endpoint": address}
            deletions = Deletions.REMOVE if remove else Deletions.FLAG
            target = ExportTarget(name=dataset, kind=TargetKind.BIGQUERY, settings=settings, deletions=deletions)
            save_target(target, secret="")
            choose_tables(target, dict.fromkeys(DATA_SETS))
            targets.append(target)
        return cls(client, *targets)

    def _columns(self, schema: str, table: str) -> set[str]:
        return {field.name for field in self.server.get_table(f"{PROJECT}.{schema}.{table}").schema}

    def _compare(self, table: str) -> Iterator[Difference]:
        kept, fresh = (self._columns(dataset, table) for dataset in (KEPT, FRESH))
        if kept != fresh:
            yield table, "columns", sorted(kept ^ fresh)
            return
        ours, theirs = (sorted(map(repr, self._rows(dataset, table, sorted(kept)))) for dataset in (KEPT, FRESH))
        if ours != theirs:
            yield table, "rows", sorted(set(ours) ^ set(theirs))[:4] or "doubled"

    def _miss(self) -> Iterator[Difference]:
        for table, (names, here) in what_is_here(remove=self.kept.deletions == "remove").items():
            there = set(self._rows(KEPT, table, names))
            if here != there:
                yield table, "not as it is here", sorted(here ^ there, key=str)[:5]

    def _rows(self, dataset: str, table: str, names: Any) -> list[tuple[Any, ...]]:
        listed = ", ".join(f"`{name}`" for name in names)
        asked = self.server.query(f"SELECT {listed} FROM `{PROJECT}.{dataset}.{table}`")
        return [tuple(row.values()) for row in asked.result()]


@pytest.mark.parametrize(("remove", "seed"), [(False, 1), (True, 2)], ids=["flagged", "removed"])
def test_after_every_round_the_dataset_is_what_a_fresh_full_export_would_be(
    stage: Stage, *, remove: bool, seed: int
) -> None:
    life = Life(seed, people=12)
    with bigquery_emulator() as address:
        looking = open_target({"project": PROJECT, "dataset": KEPT, "endpoint": address}, "")
        project = Project.begin(looking._client, address, remove=remove)
        for number, different in enumerate(live_on(project, life, rounds=ROUNDS, happenings=25)):
            assert different == [], f"round {number}: {life.happened}"
        looking.close()
