from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm import jobs
from crm.processes import end_with_parent


class Command(BaseCommand):
    help = "Work off the queue until stopped."
    requires_system_checks = ()  # they load every page, and starting is to be quick

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, help="jobs at a time")
        parser.add_argument("--once", action="store_true", help="stop when the queue is empty")
        parser.add_argument("--parent", type=int, help="pid of the process to end with")

    def handle(self, **options: Any) -> None:
        if options["parent"]:
            end_with_parent(options["parent"])
        jobs.run_worker(concurrency=options["concurrency"], wait=not options["once"])
