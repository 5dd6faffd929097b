"""kill -9 of the worker and of the database in the middle of an action; ``kills`` does it by hand for many contacts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
CONTACTS = 5_000


@pytest.mark.parametrize(
    "flags",
    [["--kills", "2"], ["--kills", "1", "--database"], ["--kills", "1", "--undo"]],
    ids=["of the worker", "of the database", "while it is taken back"],
)
def test_an_action_ends_as_an_undisturbed_one_after_a_kill(flags: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.contacts.actions.kills", "--contacts", str(CONTACTS), *flags]
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
    [told] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told["killed_at"]) == int(flags[1])
    assert min(told["killed_at"]) < CONTACTS, "it was over before"
    assert told["different"] == []
    [[status, *_rest]] = told["action"]
    assert status == ("undone" if "--undo" in flags else "finished")
