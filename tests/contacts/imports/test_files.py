"""Uploads on disk: streamed, limited, and gone when nobody needs them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.imports.errors import FileEmpty, FileTooLarge, FileUnreadable
from contacts.imports.files import remove, remove_made, remove_old, store, stored_path
from contacts.imports.limits import EXCEL_LIMIT, TEXT_LIMIT
from contacts.imports.sources import describe, open_table

MEGABYTE = bytes(1024**2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.IMPORTS_DIR = tmp_path / "imports"
    return tmp_path / "imports"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_upload_lies_in_the_folder_under_a_name_of_our_own(folder: Path) -> None:
    path = store([b"email\n", b"olena@example.com\n"], "../../Клієнти.CSV")
    assert path.parent == folder
    assert path.suffix == ".csv"
    assert "Клієнти" not in path.name
    assert path.read_bytes() == b"email\nolena@example.com\n"
    assert (path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert stored_path(path.name) == path


@pytest.mark.parametrize("name", ["contacts", "a.exe", "a.csv/../x", "a.\0csv"])
def test_no_other_ending_becomes_part_of_a_name(name: str) -> None:
    assert store([b"x"], name).suffix == ""


@pytest.mark.parametrize(("name", "limit"), [("a.xlsx", EXCEL_LIMIT), ("a.XLS", EXCEL_LIMIT), ("a.csv", TEXT_LIMIT)])
def test_an_upload_that_is_too_large_is_refused_on_the_way(folder: Path, name: str, limit: int) -> None:
    taken = 0

    def upload() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield MEGABYTE * (1 if limit == EXCEL_LIMIT else 64)

    with pytest.raises(FileTooLarge) as caught:
        store(upload(), name)
    assert caught.value.limit == limit
    assert taken < 110
    assert names(folder) == []


def test_nothing_stays_of_an_upload_that_broke_off_or_was_empty(folder: Path) -> None:
    def upload() -> Iterator[bytes]:
        yield b"email\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store(upload(), "a.csv")
    with pytest.raises(FileEmpty):
        store([b"", b""], "a.csv")
    assert names(folder) == []


def test_what_was_made_from_a_file_goes_with_it(folder: Path) -> None:
    path, other = (store(["email;Ім'я\nx;Олена\n".encode("windows-1251")], "a.csv") for _ in range(2))
    for stored in (path, other):
        open_table(stored, describe(stored, "a.csv"))
    assert len(names(folder)) == 4
    remove_made(path.name)
    assert len(names(folder)) == 3
    remove(path.name)
    assert [name.startswith(other.name) for name in names(folder)] == [True, True]
    remove(path.name)


@pytest.mark.parametrize("name", ["", "../outside.csv", "missing.csv", "."])
def test_only_files_of_the_folder_are_found_and_removed(folder: Path, name: str) -> None:
    outside = folder.parent / "outside.csv"
    outside.write_text("x")
    store([b"x"], "a.csv")
    with pytest.raises(FileUnreadable, match="Upload it again"):
        stored_path(name)
    remove(name)
    assert outside.exists()
    assert len(names(folder)) == 1


def test_old_files_go_but_for_those_that_are_still_wanted(folder: Path) -> None:
    wanted, old, new = (store(["email;Ім'я\nx;Олена\n".encode("windows-1251")], "a.csv") for _ in range(3))
    for stored in (wanted, old):
        open_table(stored, describe(stored, "a.csv"))
    (folder / "broken.csv.1234.part").write_text("x")
    before = time.time() - 3 * 86_400
    for path in folder.iterdir():
        if not path.name.startswith(new.name):
            os.utime(path, (before, before))
    assert remove_old(older_than=timedelta(days=2), keep=[wanted.name]) == 3
    assert {name.partition(".")[0] for name in names(folder)} == {wanted.stem, new.stem}
    assert len(names(folder)) == 3


def test_a_folder_that_is_not_there_yet_holds_no_old_files() -> None:
    assert remove_old(older_than=timedelta(0)) == 0
