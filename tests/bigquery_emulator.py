"""An emulator of BigQuery as a process of its own, which `make setup-bigquery` installs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = ["MISSING", "PROJECT", "bigquery_emulator", "is_installed"]

MISSING: Final = "there is no emulator of BigQuery here; `make setup-bigquery` installs it"
FOLDER: Final = Path(__file__).parents[1] / ".venv-bigquery"
PROJECT: Final = "company-warehouse"
PATIENCE: Final = 120.0


def is_installed() -> bool:
    """The emulator, and what speaks to it."""
    google = find_spec("google")
    return (FOLDER / "installed").exists() and google is not None and find_spec("google.cloud.bigquery") is not None


@contextmanager
def bigquery_emulator() -> Generator[str, None, None]:
    """Its address; gone at the end, with all that was in it."""
    port, other = _free_ports()
    command = [sys.executable, "-m", "bqemulator", "start", "--rest-port", str(port), "--grpc-port", str(other)]
    environment = {
        **os.environ,
        "HOME": str(FOLDER / "home"),  # where it finds its extension
        "PYTHONPATH": str(FOLDER / "packages"),
        "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",  # it would look for another one in the network
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--project", PROJECT, "--log-level", "warning"], stdout=log, stderr=log, env=environment
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield address
        finally:
            process.kill()
            process.wait()


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("The emulator of BigQuery ended by itself.")
        try:
            with urllib.request.urlopen(f"{address}/bigquery/v2/projects/{PROJECT}/datasets", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError("The emulator of BigQuery does not answer.")
