"""kill -9 of the worker and of the database in the middle of an action; ``kills`` does it by hand for many contacts."""

from pathlib import Path

import pytest

from tests.by_hand import run_by_hand

CONTACTS = 5_000


@pytest.mark.parametrize(
    "flags",
    [["--kills", "2"], ["--kills", "1", "--database"], ["--kills", "1", "--undo"]],
    ids=["of the worker", "of the database", "while it is taken back"],
)
def test_an_action_ends_as_an_undisturbed_one_after_a_kill(flags: list[str], tmp_path: Path) -> None:
    given = ["--contacts", str(CONTACTS), *flags]
    [told] = run_by_hand("tests.contacts.actions.kills", *given, folder=tmp_path)
    assert len(told["killed_at"]) == int(flags[1])
    assert min(told["killed_at"]) < CONTACTS, "it was over before"
    assert told["different"] == []
    [[status, *_rest]] = told["action"]
    assert status == ("undone" if "--undo" in flags else "finished")
