from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from crm.web import serve


class Command(BaseCommand):
    help = "Serve the site over HTTP, without a worker."
    requires_system_checks = ()  # they load every page, and starting is to be quick

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, **options: Any) -> None:
        serve(
            host=options["host"],
            port=options["port"],
            processes=settings.WEB_PROCESSES,
            threads=settings.WEB_THREADS,
        )
