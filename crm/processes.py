"""Several processes under one parent: started together, restarted if one falls, ended together."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

__all__ = ["end_with_parent", "keep_loaded", "run_together"]

PROJECT = Path(__file__).parent.parent
SETTLED_SECONDS = 5  # a process that fell sooner would only fall again
STOP_SECONDS = 20
BACKGROUND = {"worker"}  # people wait for the web, at its start too; nobody waits for a job
NICENESS = 5
PR_SET_PDEATHSIG = 1
COLLECT_AFTER = 10_000  # new objects between two searches for cycles


def end_with_parent(parent: int) -> None:
    """Ask the kernel for a SIGTERM when our parent dies, even by kill -9. Only Linux can; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit("The process that started this one has ended.")


def keep_loaded() -> None:
    """Whatever a server loaded stays: looking through all of it for cycles took a sixth of the time of large calls."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def run_together(commands: dict[str, list[str]]) -> int:
    """Run these, each Python's arguments by name, until a signal or one that will not stay up; gives the exit code."""
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    children = [_Child(name, command) for name, command in commands.items()]
    try:
        while not stopped:
            time.sleep(0.2)
            if any(not child.stays_up() for child in children):
                return 1
    finally:
        _end(children)
    return 0


class _Child:
    """In a session of its own, so that the terminal's Ctrl-C reaches the parent alone, who ends all in order."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self.command = name, [sys.executable, *command, "--parent", str(os.getpid())]
        self.start()

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(self.command, cwd=PROJECT, stdin=subprocess.DEVNULL, start_new_session=True)
        if self.name in BACKGROUND:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, NICENESS)

    def stays_up(self) -> bool:
        if self.process.poll() is None:
            return True
        print(f"The {self.name} process ended with {self.process.returncode}.", file=sys.stderr, flush=True)
        if time.monotonic() - self.started_at < SETTLED_SECONDS:
            return False
        self.start()
        return True

    def signal(self, send: Callable[[int, int], None], number: int) -> None:
        if self.process.poll() is None:
            send(self.process.pid, number)


def _end(children: list[_Child]) -> None:
    for child in children:
        child.signal(os.kill, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(child.process.poll() is None for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in children:
        child.signal(os.killpg, signal.SIGKILL)
        child.process.wait()
