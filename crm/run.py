"""`make run`: prepare what is missing, then web and worker under one parent, which is us.

We never load Django: what needs it runs in a process of its own, and only when something changed. So a second start is
quick, and the parent small.
"""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from crm import database, settings
from crm.processes import PROJECT, run_together

__all__ = ["fingerprint", "main", "static_sources"]


def main() -> int:
    check_port()
    home = settings.DATABASES["default"]["OPTIONS"].get("home")
    if home:
        database.start_server(home)  # and keep it up between the processes that use it
    try:
        if (code := prepare(home)) == 0:
            print(f"Cardfile: http://localhost:{settings.PORT}/admin/ (Ctrl-C ends it)", flush=True)
            code = run_together({"web": web_command(), "worker": ["manage.py", "run_worker"]})
        return code
    finally:
        if home:
            end_database(home)


def check_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            raise SystemExit(f"Port {settings.PORT} is taken. Choose another: make run PORT=8001") from error


def prepare(home: Path | None) -> int:
    """Run `manage.py prepare`, unless this cluster was prepared by these very files. A server of others may change."""
    stamp, wanted = settings.VAR_DIR / "prepared", ""
    if home:
        wanted = fingerprint([home / "data/PG_VERSION", *static_sources(), *migration_files()])
        if stamp.exists() and stamp.read_text() == wanted:
            return 0
    command = [sys.executable, "manage.py", "prepare", "--parent", str(os.getpid())]
    code = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, check=False).returncode
    if code == 0:
        stamp.write_text(wanted)
    return code


def web_command() -> list[str]:
    numbers = {"port": settings.PORT, "processes": settings.WEB_PROCESSES, "threads": settings.WEB_THREADS}
    options = [option for name, number in numbers.items() for option in (f"--{name}", str(number))]
    return ["-m", "crm.web", "--host", settings.HOST, *options]


def end_database(home: Path) -> None:
    """Count ourselves out, and wait until the watcher has stopped the server."""
    database.release_server(home)
    deadline = time.monotonic() + 10
    while database.find_server(home) and time.monotonic() < deadline:
        time.sleep(0.02)


def static_sources() -> Iterator[Path]:
    yield PROJECT / "requirements.txt"
    for folder in settings.STATICFILES_DIRS:
        yield from sorted(path for path in Path(folder).rglob("*") if path.is_file())


def migration_files() -> Iterator[Path]:
    yield from sorted(PROJECT.glob("*/migrations/*.py"))


def fingerprint(files: Iterable[Path]) -> str:
    """Changes when a file changes, comes or goes."""
    seen = [(str(file), file.stat().st_ino, file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while preparing
        sys.exit(130)
