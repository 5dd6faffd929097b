"""kill -9 of the worker in the middle of a run; ``kills`` does it by hand for many contacts, and to the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.by_hand import run_by_hand
from tests.second_server import MISSING, find_second_binaries


@pytest.mark.skipif(find_second_binaries() is None, reason=MISSING)
def test_after_a_kill_the_target_is_what_a_fresh_full_export_would_be(tmp_path: Path) -> None:
    given = ["--contacts", "2000", "--kills", "2"]
    _undisturbed, *killed = run_by_hand("tests.contacts.exports.warehouse.kills", *given, folder=tmp_path)
    assert [run["kind"] for run in killed if run["killed_at"] is not None] == ["full", "incremental"]
    assert all(run["different"] == [] for run in killed)
