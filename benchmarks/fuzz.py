"""Is the API as it is described, whatever it is sent?

``python -m benchmarks.fuzz --minutes 20`` starts the production web server and a worker on a database of their own and
lets schemathesis call every operation: with the examples of the description, with right and wrong values at every edge,
with invented ones, and in chains, in which an id that one call answered goes into the next. Every 5xx, every status
that is not described and every body of another shape is reported; then the exit code is not 0. What is not checked
stands, with its reason, in ``tests/contacts/api/schemathesis.toml``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.apart import PROJECT
from benchmarks.api import authorization
from benchmarks.frame import own_database

SETTINGS = PROJECT / "tests/contacts/api/schemathesis.toml"
WITHOUT_MAILS = {"EMAIL_URL": "dummymail://"}


@contextmanager
def working() -> Iterator[None]:
    """A worker beside the web server: what is put on the queue is done."""
    command = [sys.executable, "manage.py", "run_worker", "--parent", str(os.getpid())]
    worker = subprocess.Popen(command, cwd=PROJECT)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait()


def furnish() -> None:
    """What no call can make, so that calls may name it: a field, and segments of both types."""
    from contacts.models import CustomField
    from segments.catalogue import save_segment
    from segments.models import Segment, SegmentType

    CustomField.objects.create(key="tier", label="Tier")
    everybody = {"version": 1, "match": {"all": [{"field": "email", "op": "is_not_empty"}]}}
    save_segment(Segment(name="Regulars", type=SegmentType.STATIC))
    save_segment(Segment(name="With an email", type=SegmentType.DYNAMIC, definition=everybody))


def call_everything(port: int, secret: str, *, minutes: float, seed: int | None) -> int:
    """The exit code of schemathesis. What it keeps, to send a call again, it keeps in our folder of such things."""
    from django.conf import settings

    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    options = [
        f"--header=Authorization: {authorization(secret)}",
        f"--max-time={round(minutes * 60)}",
        "--continue-on-failure",
        "--generation-database=none",
        *([f"--seed={seed}"] if seed is not None else []),
    ]
    address = f"http://127.0.0.1:{port}/api/schema/"
    return subprocess.run([*command, *options, address], cwd=settings.VAR_DIR, check=False).returncode


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=20)
    arguments.add_argument("--seed", type=int, help="that a run told, to have the same calls again")
    given = vars(arguments.parse_args())
    os.environ |= WITHOUT_MAILS
    with own_database():
        from benchmarks.imports import served, share_database
        from crm.api.keys import create_api_key

        share_database()
        secret = create_api_key("fuzz", scope="full", calls_a_second=1_000_000)[1]
        furnish()
        with served() as port, working():
            return call_everything(port, secret, **given)


if __name__ == "__main__":
    sys.exit(main())
