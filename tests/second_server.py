"""A second PostgreSQL server, as the company's warehouse is one: the system's own, not the one we bring with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

__all__ = ["MISSING", "find_second_binaries", "second_server"]

MISSING: Final = "there is no PostgreSQL of the system here; `apt-get install postgresql` installs it"
PATIENCE: Final = 60.0
SETTINGS: Final = {
    "listen_addresses": "",
    "port": "5432",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
}

LET_IN: Final = """
local all anna scram-sha-256
local all all trust
host all all 127.0.0.1/32 trust
"""
"""Anna has a password."""


def find_second_binaries() -> Path | None:
    """Of the newest server that the system has; None where it has none."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((path.parent for path in found), key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def second_server(**settings: str) -> Generator[str, None, None]:
    """The address of its database, as its administrator; on a socket, gone at the end."""
    binaries = find_second_binaries()
    if binaries is None:
        raise RuntimeError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="warehouse-"))
    as_who = _account(folder)
    try:
        initdb = [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], check=True, capture_output=True, **as_who)
        (folder / "data/pg_hba.conf").write_text(
            "local all anna scram-sha-256\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n"
        )
        command = [binaries / "postgres", "-D", folder / "data", "-k", folder]
        given = {**SETTINGS, **settings}
        for name, value in given.items():
            command += ["-c", f"{name}={value}"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, **as_who)
        try:
            address = f"postgresql://postgres@/postgres?port={given['port']}&host={folder}"
            _wait_for(address, server, folder)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account(folder: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    shutil.chown(folder, "postgres", "postgres")
    return {"cwd": folder, "user": "postgres", "group": "postgres", "extra_groups": []}


def _wait_for(address: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)
