"""Parts of a benchmark that run in processes of their own, so that neither their memory nor their time is counted.

``run_apart("write_files", folder=…)`` waits for one, ``started_apart`` lets it go on beside what is measured. They find
the benchmark's database by ``DATABASE_URL``.
"""

from __future__ import annotations

import csv
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
CALLS_A_SECOND = 50
"""Of one caller, who waits for each answer."""
WARM_UP = 50
"""Calls before those that count: connections are made, code is loaded."""


def run_apart(step: str, **given: Any) -> Any:
    """What the step gives back, when it is done."""
    done = subprocess.run(_command(step, given), cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def started_apart(step: str, **given: Any) -> Iterator[None]:
    """The step goes on until the block ends."""
    process = subprocess.Popen(_command(step, given), cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise SystemExit(f"{step} ended too early, with {process.returncode}.")
    finally:
        process.terminate()
        process.wait()


def _command(step: str, given: dict[str, Any]) -> list[str]:
    return [sys.executable, "-m", "benchmarks.apart", step, json.dumps(given)]


# Files


def write_files(*, folder: str, rows: int, first: int, key: str, with_external_id: bool) -> list[str]:
    """Two files of the same people in the same random order; in the second each has changed."""
    from benchmarks.resolve import COLUMNS, person

    order = list(range(first, first + rows))
    random.Random(7).shuffle(order)
    columns = columns_of(key, with_external_id=with_external_id)
    skip = len(COLUMNS) - len(columns)
    paths = []
    for changed in (False, True):
        paths.append(str(Path(folder) / f"{first}-{rows}-{'changed' if changed else 'new'}.csv"))
        with Path(paths[-1]).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(person(number, changed=changed)[skip:] for number in order)
    return paths


def columns_of(key: str, *, with_external_id: bool) -> tuple[str, ...]:
    """With another key than the external ID the files have none: it would be found first, and not the key (L1)."""
    from benchmarks.resolve import COLUMNS

    return COLUMNS if key == "external_id" or with_external_id else COLUMNS[1:]


# An import that does not end


def import_file(path: str, key: str) -> None:
    """One file, wholly taken."""
    from contacts.imports.plan import Options
    from contacts.imports.run import run_import

    report = run_import(path, Options(key=key), by="command:benchmark")
    if report.counts["failed"] or report.counts["skipped"]:
        raise SystemExit(f"The import did not take every row: {report.counts}")


def import_on_and_on(*, folder: str, rows: int, first: int, key: str, with_external_id: bool) -> None:
    """New people, their changes and the same again, then the next people; as gently as the worker runs."""
    from crm.processes import NICENESS

    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # its reader and connections end in order
    for part in count():
        new, changed = write_files(
            folder=folder, rows=rows, first=first + part * rows, key=key, with_external_id=with_external_id
        )
        for path in (new, changed, changed):
            import_file(path, key)


# A caller of the API


def call_api(*, port: int, secret: str, calls: int, seed: int) -> list[float]:
    """Seconds of each of so many single upserts, as another system sends them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {
        "Authorization": "Basic " + b64encode(f"benchmark:{secret}".encode()).decode(),
        "Content-Type": "application/json",
    }
    times = []
    for number, body in zip(range(WARM_UP + calls), _bodies(seed), strict=False):
        started = time.perf_counter()
        connection.request("POST", "/api/v1/contact", json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        times.append(time.perf_counter() - started)
        if answer.status != http.client.OK:
            raise SystemExit(f"Call {number} was answered with {answer.status}: {said.decode()}")
        time.sleep(max(0.0, 1 / CALLS_A_SECOND - times[-1]))
    return times[WARM_UP:]


def _bodies(seed: int) -> Iterator[dict[str, Any]]:
    """New people, changed fields, changed addresses, a device; no two alike, which the API would refuse."""
    choose = random.Random(seed)
    for number in count():
        external_id = f"A-{seed}-{number}"
        known = f"A-{seed}-{choose.randrange(number or 1)}"
        yield choose.choice(
            (
                {"externalCustomerId": external_id, "channels": [_email(choose)], "firstName": "Олена"},
                {"externalCustomerId": external_id, "channels": [_email(choose)], "lastName": "Шевченко"},
                {"externalCustomerId": known, "firstName": f"Zoë {number}"},
                {"externalCustomerId": known, "channels": [_email(choose)]},
                {"externalCustomerId": known, "identifiers": [{"kind": "device", "value": f"d-{seed}-{number}"}]},
            )
        )


def _email(choose: random.Random) -> dict[str, str]:
    return {"type": "email", "value": f"a{choose.randrange(10**15)}@example.com"}


# django-import-export


def import_with_library(*, paths: Sequence[str], rows: int, key: str) -> dict[str, float]:
    """Rows a second of django-import-export's own bulk import: new people, their changes, the same again.

    In its fastest modes: bulk statements of 1,000 rows, existing rows read at once, and compared only where nothing
    changed. It writes plain contacts, without identifiers, journal or the search for duplicates.
    """
    import tablib

    new, changed = (tablib.Dataset().load(_head(path, rows), format="csv") for path in paths)
    speeds = {}
    for leg, dataset in (("new", new), ("changed", changed), ("unchanged", changed)):
        resource = _library_resource(dataset.headers, key, compares=leg == "unchanged")
        started = time.perf_counter()
        result = resource.import_data(dataset, raise_errors=True)
        speeds[leg] = rows / (time.perf_counter() - started)
        if result.has_errors() or len(dataset) != rows:
            raise SystemExit("django-import-export did not take every row.")
    return speeds


def _head(path: str, rows: int) -> str:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return "".join(line for _, line in zip(range(rows + 1), file, strict=False))


def _library_resource(headers: Sequence[str], key: str, *, compares: bool) -> Any:
    from django.utils import timezone
    from import_export import resources
    from import_export.instance_loaders import CachedInstanceLoader

    from contacts.models import Contact

    class PlainContacts(resources.ModelResource):
        def before_import_row(self, row: Any, **options: Any) -> None:
            row["attributes"] = json.dumps({"shoe_size": row["shoe_size"]})

        def before_save_instance(self, instance: Any, row: Any, **options: Any) -> None:
            instance.created_at = instance.created_at or timezone.now()
            instance.updated_at = timezone.now()

        class Meta:
            model = Contact
            fields = (*(name for name in headers if name != "shoe_size"), "attributes")
            import_id_fields = (key,)
            instance_loader_class = CachedInstanceLoader
            use_bulk = True
            batch_size = 1_000
            skip_diff = not compares
            skip_unchanged = compares
            report_skipped = False

    return PlainContacts()


STEPS: dict[str, Callable[..., Any]] = {
    step.__name__: step for step in (write_files, import_on_and_on, call_api, import_with_library)
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()
    print(json.dumps(STEPS[sys.argv[1]](**json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
