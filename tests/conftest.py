"""What every test may rely on.

Nothing of ours is replaced by a double: the database is PostgreSQL, the browser is Chromium, the queue is the queue.
Several runs may go on at once in one checkout: each takes a slot, and with it test databases of its own.
"""

import base64
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.test import TransactionTestCase

from tests.emptying import empty_database

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
BROWSER_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    # Files as they lie in static/, and passwords that cost nothing.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Nobody pulls the plug of this database: tests that kill one have their own. So no commit waits for the disk.
    settings.DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"
    TransactionTestCase._fixture_teardown = empty_database  # type: ignore[attr-defined]
    if not hasattr(config, "workerinput"):  # xdist's workers inherit the slot
        take_slot(config)


def take_slot(config: pytest.Config) -> None:
    """The first number that no other run holds. The kernel gives it back when we end, however that is."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    for slot in range(100):
        lock = (settings.VAR_DIR / f"tests.{slot}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        config.add_cleanup(lock.close)
        os.environ["TEST_SLOT"] = str(slot)
        return


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """After xdist's worker has put its own name behind."""
    test = settings.DATABASES["default"].setdefault("TEST", {})
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    test["NAME"] = f"test_cardfile_{os.environ['TEST_SLOT']}{worker and '_'}{worker}"
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = test["NAME"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database is dropped at the end, whoever is still in it: a thread of a browser's last request, say."""
    from django.db import connections

    yield
    database: Any = connections["default"]
    with django_db_blocker.unblock():
        database.close()
        database.close_pool()
        with database._nodb_cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND backend_type = %s",
                [database.settings_dict["NAME"], "client backend"],
            )


@pytest.fixture
def call_api(db: None) -> Callable[..., Any]:
    """``call_api("post", "/api/v1/contact", {...}, scope="full")`` as another system would call it."""
    from rest_framework.test import APIClient

    from crm.api.keys import create_api_key

    secrets: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None, *, scope: str = "full", **extra: Any) -> Any:
        if scope not in secrets:
            secrets[scope] = create_api_key(f"test {scope}", scope=scope)[1]
        credentials = base64.b64encode(f"anybody:{secrets[scope]}".encode()).decode()
        client = APIClient(HTTP_AUTHORIZATION=f"Basic {credentials}")
        return getattr(client, method)(path, body, **extra)

    return call


@pytest.fixture
def run_jobs(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Works the queue off, as a worker would: in a thread, since the browser's event loop may run in ours."""
    from django.db import connection, connections

    from crm.jobs import run_worker

    def work() -> None:
        try:
            run_worker(wait=False)
        finally:
            connections.close_all()

    def run_jobs() -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(work).result()

    yield run_jobs
    with connection.cursor() as cursor:
        cursor.execute("truncate procrastinate_jobs, procrastinate_workers cascade")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven by playwright; a test that asks for it is skipped where there is none."""
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip("there is no Chromium here; `make setup-browser` installs it")
    from playwright.sync_api import sync_playwright

    # playwright runs an event loop in this thread, and Django would refuse its database in sight of one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """A page of a browser just opened. What breaks in it, or breaks the security policy, fails the test."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)  # a busy machine is no failure
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: "Content Security Policy" in said.text and troubles.append(said.text))
    yield page
    context.close()
    assert troubles == []


@pytest.fixture
def admin_page(page: Any, live_server: Any, admin_user: Any) -> Any:
    """The same, signed in as an administrator."""
    from django.test import Client

    client = Client()
    client.force_login(admin_user)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    return page
