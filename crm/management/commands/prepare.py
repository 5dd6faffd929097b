"""What has to be there before Cardfile can serve: tables, static files, and the first time somebody to sign in as."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm.api.keys import create_api_key
from crm.models import ApiKey
from crm.processes import end_with_parent
from crm.run import fingerprint, static_sources


class Command(BaseCommand):
    help = "Prepare what is missing: tables, static files; the first time demo contacts, a user and a key."
    requires_system_checks = ()  # they load every page, and starting is to be quick

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--parent", type=int, help="pid of the process to end with")

    def handle(self, **options: Any) -> None:
        if options["parent"]:
            end_with_parent(options["parent"])
        self.migrate()
        self.collect_static()
        if not get_user_model().objects.filter(is_superuser=True).exists():
            self.welcome()

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


def has_contacts() -> bool:
    return apps.get_model("contacts", "Contact")._base_manager.exists()
