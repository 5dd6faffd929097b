from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from crm.processes import end_with_parent


class Command(BaseCommand):
    help = "Serve the site over HTTP."
    requires_system_checks = ()  # they load every page, and starting is to be quick

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--parent", type=int, help="pid of the process to end with")

    def handle(self, **options: Any) -> None:
        if options["parent"]:
            end_with_parent(options["parent"])
        Granian(
            "crm.wsgi:application",
            address=options["host"],
            port=options["port"],
            interface=Interfaces.WSGI,
            workers=settings.WEB_PROCESSES,
            blocking_threads=settings.WEB_THREADS,
            respawn_failed_workers=True,
            workers_kill_timeout=10,
            log_level=LogLevels.warning,
            working_dir=settings.BASE_DIR,
        ).serve()
