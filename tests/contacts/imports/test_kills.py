"""kill -9 of the worker and of the database in the middle of an import; ``kills`` does it by hand for large files."""

from pathlib import Path

import pytest

from tests.by_hand import run_by_hand


@pytest.mark.parametrize(
    "flags",
    [["--kills", "3"], ["--kills", "1", "--database"], ["--kills", "2", "--orders"]],
    ids=["of the worker", "of the database", "of the worker, of orders"],
)
def test_an_import_ends_as_an_undisturbed_one_after_a_kill(flags: list[str], tmp_path: Path) -> None:
    given = ["--rows", "5000", "--imports", "1", *flags]
    _undisturbed, disturbed = run_by_hand("tests.contacts.imports.kills", *given, folder=tmp_path)
    assert len(disturbed["killed_at"]) == int(flags[1])
    assert disturbed["different"] == []
