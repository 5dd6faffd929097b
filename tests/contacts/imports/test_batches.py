"""Rows → batches of records, here and by the reader's own process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contacts.imports.batches import BATCH, read_ahead, read_batches, read_here
from contacts.imports.errors import FileChanged, ReaderDied
from contacts.normalize import Schema, normalize
from contacts.sheaf import pack, unpack
from tests.contacts.imports.files import BOHDAN, HEADER, OLENA, job_of, show, write_csv

sees_processes = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


def people_file(folder: Path, count: int) -> Path:
    return write_csv(folder, HEADER, *(f"C{number},person.{number}@example.com,Олена" for number in range(count)))


def test_a_record_crosses_to_the_other_process_as_it_is() -> None:
    raw = {
        "id": "5", "external_id": "C1", "email": "junk@", "phone": "null", "first_name": "", "contact_key": "я" * 90,
        "identifiers": [{"kind": "device", "value": "д" * 300, "details": {"os": "iOS"}}],
    }  # fmt: skip
    record = normalize(raw, Schema(), 7)
    assert record.problems
    assert record.warnings
    assert record.details
    copy = unpack(pack(record))
    assert show(copy) == show(record)


def test_both_ways_of_reading_give_the_same(tmp_path: Path) -> None:
    path = write_csv(tmp_path, HEADER, OLENA, "", BOHDAN, "C3,no address,x", "C4", *[OLENA] * 2_500)
    job = job_of(path)
    here, ahead = ([[show(record) for record in batch] for batch in read(job)] for read in (read_here, read_ahead))
    assert here == ahead
    assert [len(batch) for batch in here] == [500] * 5 + [4]
    assert [record["ref"] for record in here[0][:4]] == [2, 4, 5, 6]
    assert [record["problems"][0].code for record in here[0][2:4]] == ["invalid_email", "ragged_row"]


@pytest.mark.parametrize(
    ("skip", "sizes"), [(1_000, [500, 500, 500]), (1_300, [200, 500, 500]), (2_400, [100]), (2_500, [])]
)
def test_reading_goes_on_where_it_stopped_and_cuts_at_the_same_places(
    tmp_path: Path, skip: int, sizes: list[int]
) -> None:
    batches = list(read_batches(job_of(people_file(tmp_path, 2_500), skip=skip), lines=2_501))
    assert [len(batch) for batch in batches] == sizes
    if batches:
        assert batches[0][0].external_id == f"C{skip}"


@sees_processes
def test_a_reader_that_was_killed_is_an_error_that_says_so(tmp_path: Path) -> None:
    batches = read_ahead(job_of(people_file(tmp_path, 60 * BATCH)))
    next(batches)
    (reader,) = readers_of(os.getpid())
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(ReaderDied, match="SIGKILL") as caught:
        list(batches)
    assert caught.value.exit_code == -signal.SIGKILL


@sees_processes
def test_a_reader_ends_with_whoever_wanted_its_batches(tmp_path: Path) -> None:
    batches = read_ahead(job_of(people_file(tmp_path, 60 * BATCH)))
    next(batches)
    batches.close()
    assert readers_of(os.getpid()) == []


@sees_processes
def test_a_reader_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    path = people_file(tmp_path, 60 * BATCH)
    script = (
        "import time; from pathlib import Path; from contacts.imports.batches import read_ahead;"
        "from tests.contacts.imports.files import job_of;"
        f"batches = read_ahead(job_of(Path({str(path)!r}))); next(batches); print('ready', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert parent.stdout is not None
    with parent, parent.stdout:
        parent.stdout.readline()
        (reader,) = readers_of(parent.pid)
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{reader}/cmdline").exists() and time.monotonic() < deadline:
        if not Path(f"/proc/{reader}/cmdline").read_bytes():
            break  # a zombie that nobody has fetched yet
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{reader}").exists()


def test_the_reader_loads_no_django() -> None:
    script = (
        "import sys, contacts.imports.batches; sys.exit(any(name in sys.modules for name in ('django', 'psycopg')))"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False).returncode == 0


def test_a_file_that_changes_while_it_is_read_ahead_is_an_error(tmp_path: Path) -> None:
    path = people_file(tmp_path, 60 * BATCH)
    batches = read_ahead(job_of(path))
    next(batches)
    with path.open("a") as file:
        file.write(OLENA)
    with pytest.raises(FileChanged):
        list(batches)


def readers_of(parent: int) -> list[int]:
    """The readers that a process started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(words[1]) == parent and b"contacts.imports.batches" in command:
            found.append(int(folder.name))
    return found
