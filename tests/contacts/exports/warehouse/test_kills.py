"""kill -9 of the worker in the middle of a run; ``kills`` does it by hand for many contacts, and to the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.second_server import MISSING, find_second_binaries

PROJECT = Path(__file__).parents[4]


@pytest.mark.skipif(find_second_binaries() is None, reason=MISSING)
def test_after_a_kill_the_target_is_what_a_fresh_full_export_would_be(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contacts.exports.warehouse.kills", "--contacts", "2000", "--kills", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**environment, "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _undisturbed, *killed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [run["kind"] for run in killed if run["killed_at"] is not None] == ["full", "incremental"]
    assert all(run["different"] == [] for run in killed)
