"""Two datasets of BigQuery: one that is kept up to date, and one that is made anew to compare it with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from contacts.exports.warehouse.bigquery import open_target
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.flow import choose_tables, save_target
from contacts.models import Deletions, ExportTarget, TargetKind
from tests.bigquery_emulator import PROJECT
from tests.contacts.exports.warehouse.comparing import FRESH, KEPT, Company, Difference, what_is_here

__all__ = ["Project"]


@dataclass
class Project(Company):
    """``server`` is a client of the project."""

    @classmethod
    @contextmanager
    def moved_in(cls, address: str, *, remove: bool) -> Iterator[Project]:
        looking = open_target({"project": PROJECT, "dataset": KEPT, "endpoint": address}, "")
        try:
            yield cls(looking._client, *(cls._begin(looking._client, address, name, remove) for name in (KEPT, FRESH)))
        finally:
            looking.close()

    @staticmethod
    def _begin(client: Any, address: str, dataset: str, remove: bool) -> ExportTarget:
        client.delete_dataset(f"{PROJECT}.{dataset}", delete_contents=True, not_found_ok=True)
        client.create_dataset(f"{PROJECT}.{dataset}")
        settings = {"project": PROJECT, "dataset": dataset, "endpoint": address}
        deletions = Deletions.REMOVE if remove else Deletions.FLAG
        target = ExportTarget(name=dataset, kind=TargetKind.BIGQUERY, settings=settings, deletions=deletions)
        save_target(target, secret="")
        choose_tables(target, dict.fromkeys(DATA_SETS))
        return target

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

    def _rows(self, dataset: str, table: str, names: Iterable[str]) -> list[tuple[Any, ...]]:
        listed = ", ".join(f"`{name}`" for name in names)
        asked = self.server.query(f"SELECT {listed} FROM `{PROJECT}.{dataset}.{table}`")
        return [tuple(row.values()) for row in asked.result()]
