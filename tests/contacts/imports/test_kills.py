"""kill -9 of the worker and of the database in the middle of an import; ``kills`` does it by hand for large files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "flags",
    [["--kills", "3"], ["--kills", "1", "--database"], ["--kills", "2", "--orders"]],
    ids=["of the worker", "of the database", "of the worker, of orders"],
)
def test_an_import_ends_as_an_undisturbed_one_after_a_kill(flags: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contacts.imports.kills", "--rows", "5000", "--imports", "1", *flags]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**environment, "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [disturbed] = [json.loads(line) for line in done.stdout.splitlines()][1:]
    assert len(disturbed["killed_at"]) == int(flags[1])
    assert disturbed["different"] == []
