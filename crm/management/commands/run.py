"""One command to run Cardfile: prepares what is missing, then web and worker under one parent."""

import hashlib
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from crm import database
from crm.api.keys import create_api_key
from crm.models import ApiKey
from crm.processes import run_together


class Command(BaseCommand):
    help = (
        "Prepare what is missing (tables, static files; the first time also demo contacts, a user and a key) and serve."
    )
    requires_system_checks = ()  # they load every page, and starting is to be quick

    def handle(self, **options: Any) -> None:
        self.check_port()
        self.migrate()
        self.collect_static()
        if not get_user_model().objects.filter(is_superuser=True).exists():
            self.welcome()
        self.stdout.write(self.style.SUCCESS(f"Cardfile: http://localhost:{settings.PORT}/admin/ (Ctrl-C ends it)"))
        self.stdout.flush()
        # The server stays up while this process lives, but its connections are for web and worker.
        connections.close_all()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        code = run_together({"web": web_command(), "worker": ["manage.py", "run_worker"]})
        self.end_database()
        raise SystemExit(code)

    def check_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.HOST, settings.PORT))
            except OSError as error:
                raise CommandError(f"Port {settings.PORT} is taken. Choose another: make run PORT=8001") from error

    def migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database.")
            call_command("migrate", verbosity=0)

    def collect_static(self) -> None:
        stamp, wanted = settings.STATIC_ROOT / ".collected", fingerprint(static_sources())
        if not stamp.exists() or stamp.read_text() != wanted:
            self.stdout.write("Collecting static files.")
            call_command("collectstatic", interactive=False, clear=settings.STATIC_ROOT.exists(), verbosity=0)
            stamp.write_text(wanted)

    def welcome(self) -> None:
        """The first start. The user comes last: were this interrupted, the next start does what is left."""
        if settings.DEMO_CONTACTS and "make_demo" in get_commands() and not has_contacts():
            self.stdout.write(f"Making {settings.DEMO_CONTACTS} demo contacts.")
            call_command("make_demo", contacts=settings.DEMO_CONTACTS)
        password = secrets.token_urlsafe(12)
        _, key = create_api_key("Made at the first start", scope=ApiKey.Scope.FULL)
        get_user_model().objects.create_superuser("admin", "", password)
        self.stdout.write(
            f"\n  user      admin\n  password  {password}\n  API key   {key}\n\nThey are shown this once.\n"
        )

    def end_database(self) -> None:
        """Count ourselves out, and wait until the watcher has stopped the server."""
        home = getattr(connection, "home", None)
        if home:
            database.release_server(home)
            deadline = time.monotonic() + 10
            while database.find_server(home) and time.monotonic() < deadline:
                time.sleep(0.02)


def web_command() -> list[str]:
    numbers = {"port": settings.PORT, "processes": settings.WEB_PROCESSES, "threads": settings.WEB_THREADS}
    options = [option for name, number in numbers.items() for option in (f"--{name}", str(number))]
    return ["-m", "crm.web", "--host", settings.HOST, *options]


def has_contacts() -> bool:
    return apps.get_model("contacts", "Contact")._base_manager.exists()


def static_sources() -> Iterator[Path]:
    yield settings.BASE_DIR / "requirements.txt"
    for folder in settings.STATICFILES_DIRS:
        yield from sorted(path for path in Path(folder).rglob("*") if path.is_file())


def fingerprint(files: Iterator[Path]) -> str:
    """Changes when a file changes, comes or goes."""
    seen = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
