"""`make run`: what it starts, and that it ends all of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm import database

PROJECT = Path(__file__).parent.parent


class Run:
    """`make run` with a var/ and a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home, self.output = folder / "var/postgresql", folder / "output"
        environment = os.environ | {"VAR_DIR": str(folder / "var"), "PORT": str(self.port), "DEMO_CONTACTS": "0"}
        environment.pop("DATABASE_URL", None)
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "crm.run"], cwd=PROJECT, env=environment, stdout=output, stderr=output
            )

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def await_answer(self) -> None:
        wait_for(lambda: self.get("/admin/login/") == 200 or self.process.poll() is not None, 180)
        assert self.process.poll() is None, self.output.read_text()

    def find_processes(self) -> list[int]:
        """Ours, by the folder in their environment or arguments, which no other run shares."""
        found, mark = [], str(self.home.parent).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if mark in said:
                found.append(int(folder.name))
        return found

    def end(self, by: int) -> int:
        self.process.send_signal(by)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """A folder that the first run prepares, for all that need not see it done."""
    with tempfile.TemporaryDirectory(prefix="cardfile run ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def nothing() -> Iterator[Path]:
    """A folder where nobody ever ran it."""
    with tempfile.TemporaryDirectory(prefix="cardfile first run ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def start(installed: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(folder: Path = installed) -> Run:
        runs.append(Run(folder))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
    wait_for(lambda: not any(run.find_processes() for run in runs))


def wait_for(claim: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_and_the_database(start, by):
    run = start()
    run.await_answer()
    assert len(run.find_processes()) > 5

    assert run.end(by) == 0

    assert database.find_server(run.home) is None
    wait_for(lambda: not run.find_processes(), 2)


def test_a_kill_of_the_parent_ends_them_too(start):
    run = start()
    run.await_answer()

    run.end(signal.SIGKILL)

    wait_for(lambda: not run.find_processes())


def test_the_first_start_makes_a_user_and_a_key_and_the_second_has_nothing_to_do(nothing, start):
    run = start(nothing)
    run.await_answer()
    said = run.output.read_text()
    key = re.search(r"API key +(cf_\w+)", said)
    assert key
    assert re.search(r"user +admin\n +password +\S{16}\n", said)
    run.end(signal.SIGTERM)

    run = start(nothing)
    run.await_answer()

    assert run.output.read_text().splitlines() == [f"Cardfile: http://localhost:{run.port}/admin/ (Ctrl-C ends it)"]


def test_a_killed_web_server_or_worker_is_replaced(start):
    run = start()
    run.await_answer()
    time.sleep(5)  # a process that falls at once would fall again, and ends the run instead
    children = subprocess.run(
        ["pgrep", "-P", str(run.process.pid), "-f", "crm.web|run_worker"], capture_output=True, text=True
    )

    for pid in children.stdout.split():
        os.kill(int(pid), signal.SIGKILL)

    wait_for(lambda: run.output.read_text().count("process ended with -9") == 2)
    run.await_answer()


def test_a_taken_port_is_said_plainly(start):
    run = start()
    run.await_answer()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = os.environ | {"VAR_DIR": str(run.home.parent), "PORT": str(taken.getsockname()[1])}

        said = subprocess.run(
            [sys.executable, "-m", "crm.run"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert said.returncode == 1
    assert "is taken. Choose another" in said.stderr
