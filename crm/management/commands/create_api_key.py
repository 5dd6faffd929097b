from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.api.keys import create_api_key
from crm.models import ApiKey


class Command(BaseCommand):
    help = "Make an API key and print it. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the system that will use it")
        parser.add_argument("--scope", choices=ApiKey.Scope.values, default=ApiKey.Scope.FULL.value)

    def handle(self, **options: Any) -> None:
        _, secret = create_api_key(options["name"], scope=options["scope"])
        self.stdout.write(secret)
