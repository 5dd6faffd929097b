"""Contacts change at random, round by round: is a target that is kept up to date what a fresh full export would be?

By hand:  python -m tests.contacts.exports.warehouse.rounds --rounds 50 --happenings 200 --people 500 [--remove]
          [--bigquery]
It makes a database of its own, in a temporary folder unless VAR_DIR is set, and starts a second server, the system's,
for the company, or the emulator of BigQuery. In every third round the run is disturbed: life goes on between its steps,
its worker is told to stop, and another one goes on; the run after it is left in peace.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.bigquery_emulator import bigquery_emulator
from tests.contacts.imports.kills import own_installation
from tests.second_server import second_server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--happenings", type=int, default=200, help="in each round")
    parser.add_argument("--people", type=int, default=500, help="among whom these happen")
    parser.add_argument("--remove", action="store_true", help="deleted contacts are removed, not flagged")
    parser.add_argument("--bigquery", action="store_true", help="to the emulator of BigQuery")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with own_installation():
        prepare()
        with moved_in(bigquery=given.bigquery, remove=given.remove) as company:
            return try_all(given, company)


@contextmanager
def moved_in(*, bigquery: bool, remove: bool) -> Iterator[Any]:
    """A company with a server of its own, or with a project at the emulator."""
    from tests.contacts.exports.warehouse.comparing import Company
    from tests.contacts.exports.warehouse.comparing_bigquery import Project

    if bigquery:
        with bigquery_emulator() as address, Project.moved_in(address, remove=remove) as project:
            yield project
    else:
        with second_server() as address, psycopg.connect(address, autocommit=True) as server:
            yield Company.move_in(server, address, remove=remove)


def try_all(given: argparse.Namespace, company: Any) -> int:
    from tests.contacts.exports.warehouse.comparing import live_on
    from tests.contacts.exports.warehouse.happenings import Life

    life = Life(given.seed, given.people)
    started = time.monotonic()
    for number, found in enumerate(live_on(company, life, rounds=given.rounds, happenings=given.happenings), 1):
        print(json.dumps({"round": number, "different": found}, default=str), flush=True)
        if found:
            return 1
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"rounds": given.rounds, "seconds": seconds, "happened": life.happened}), flush=True)
    return 0


def prepare() -> None:
    """Secrets can be kept, and the account has its custom fields."""
    from cryptography.fernet import Fernet
    from django.conf import settings

    from contacts.identity.settings import forget_settings
    from contacts.identity.types import STANDARD
    from contacts.models import CustomField
    from tests.people import set_up_account

    settings.SECRETS_KEY = settings.SECRETS_KEY or [Fernet.generate_key().decode()]
    CustomField.objects.all().delete()
    set_up_account(STANDARD)
    forget_settings()


if __name__ == "__main__":
    sys.exit(main())
