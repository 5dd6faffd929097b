"""A whole export of contacts to a second PostgreSQL server against COPY piped into COPY between the same databases.

``python -m benchmarks.exports --contacts 1000000 --json`` measures, several times and in turn:

raw      ``psql -c "COPY (the same columns) TO STDOUT" | psql -c "COPY … FROM STDIN"`` into a table without a key;
full     a full run: pieces that survive a kill, the key, statistics, and the swap with the table that stands there;
changed  one contact in a hundred has changed, and the next run brings that;
idle     nothing has changed, and the next run says so.

Figures are medians of the rounds. ``full_to_raw``: seconds of raw ÷ seconds of full. ``peak_mb``: our processes while
they export, without the databases.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from psycopg.conninfo import make_conninfo

from benchmarks.frame import PeakMemory, own_database, timed
from benchmarks.imports import preload
from tests.second_server import MISSING, find_second_binaries, second_server

BATCH = 5_000
Seconds = dict[str, list[float]]


def measure(contacts: int, rounds: int, there: str) -> dict[str, Any]:
    target = make_target(there)
    copies = raw_copy(target, there)
    seconds: Seconds = defaultdict(list)
    with PeakMemory() as memory:
        for number in range(rounds):
            legs = {
                "raw": partial(run_raw, *copies, there),
                "full": partial(run_export, target, "full"),
                "idle": partial(run_export, target, "incremental"),
            }
            for leg, step in legs.items():
                note(seconds, leg, step, there)
            change_some(contacts, f"Шевченко-{number}")
            note(seconds, "changed", partial(run_export, target, "incremental"), there)
    check_same(there)
    return summed_up(contacts, seconds, memory.peak_mb)


def note(seconds: Seconds, leg: str, step: Any, there: str) -> None:
    """Both databases with a checkpoint behind them."""
    with psycopg.connect(there, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    seconds[leg].append(timed(step))
    print(f"{leg:10} {seconds[leg][-1]:8.2f} s", flush=True)


def summed_up(contacts: int, seconds: Seconds, peak_mb: float) -> dict[str, Any]:
    middle = {leg: statistics.median(found) for leg, found in seconds.items()}
    return {
        "contacts": contacts,
        "full_to_raw": round(middle["raw"] / middle["full"], 3),
        "changed": contacts // 100,
        "seconds": {leg: round(found, 2) for leg, found in middle.items()},
        "per_second": round(contacts / middle["full"]),
        "peak_mb": round(peak_mb, 1),
    }


# Raw


def raw_copy(target: Any, there: str) -> tuple[str, str]:
    """The statement that reads what a full run sends, and the one that takes it."""
    from contacts.exports.warehouse.tables import reading_of, tables_of

    [table] = tables_of(target)
    reading = reading_of(table, target.deletions)
    names = ", ".join(f'"{name}"' for name in reading.shape.names)
    with psycopg.connect(there, autocommit=True) as connection:
        connection.execute("CREATE TABLE raw_contact (LIKE contacts)")
        connection.execute("DROP TABLE contacts")
        connection.execute('ALTER TABLE raw_contact ALTER "contactId" DROP NOT NULL')
    return f"COPY ({reading_sql(reading, names)}) TO STDOUT", f"COPY raw_contact ({names}) FROM STDIN"


def reading_sql(reading: Any, names: str) -> str:
    from django.db import connection

    from contacts.exports.warehouse.data_sets import DATA_SETS

    rows = DATA_SETS["contacts"].piece(reading, 0, 2**62)
    connection.ensure_connection()
    cursor = psycopg.ClientCursor(connection.connection)
    return f"SELECT {names} FROM ({cursor.mogrify(rows.sql, rows.params)}) AS r"


def run_raw(read: str, take: str, there: str) -> None:
    from django.db import connection

    psql = [f"{find_second_binaries()}/psql", "--no-psqlrc", "--quiet", "--variable=ON_ERROR_STOP=1"]
    given = connection.get_connection_params()
    here = make_conninfo(
        **{name: given[name] for name in ("host", "port", "user", "password", "dbname") if name in given}
    )
    with psycopg.connect(there, autocommit=True) as server:
        server.execute("TRUNCATE raw_contact")
    with subprocess.Popen([*psql, here, "-c", read], stdout=subprocess.PIPE) as reader:
        subprocess.run([*psql, there, "-c", take], stdin=reader.stdout, check=True)
    if reader.returncode:
        raise SystemExit("COPY out of our database failed.")


# Ours


def make_target(there: str) -> Any:
    """A warehouse as a person makes one: contacts, in every column."""
    from contacts.exports.warehouse.flow import choose_tables, save_target
    from contacts.exports.warehouse.tables import reading_of, tables_of
    from contacts.exports.warehouse.targets import connect
    from contacts.models import ExportTarget, TargetKind

    target = ExportTarget(name="Company", kind=TargetKind.POSTGRESQL, settings={"schema": "public"})
    save_target(target, secret=there)
    choose_tables(target, {"contacts": None})
    opened = connect(target)
    opened.create(reading_of(tables_of(target)[0], target.deletions).shape)
    opened.close()
    return target


def run_export(target: Any, kind: str) -> None:
    from contacts.exports.warehouse.flow import start_run
    from contacts.exports.warehouse.jobs import attend
    from contacts.models import RunStatus

    run = start_run(target, kind, by="command:benchmark")
    attend(run.pk, tell=lambda: None)
    run.refresh_from_db()
    if run.status != RunStatus.FINISHED:
        raise SystemExit(f"The run ended as {run.status}: {run.error}")


def change_some(contacts: int, last_name: str) -> None:
    """One in a hundred, all over the table, as an import changes them."""
    from contacts.identity import resolve
    from contacts.identity.types import IMPORT

    records = [{"external_id": external_id(n), "last_name": last_name} for n in range(1, contacts + 1, 100)]
    for start in range(0, len(records), BATCH):
        resolve(records[start : start + BATCH], IMPORT, by="import:1")


def external_id(number: int) -> str:
    """As ``preload`` gives them."""
    return f"P-{number * 7919 % 100_000_007:09}"


def check_same(there: str) -> None:
    """What stands there is what is here."""
    from contacts.models import Contact

    with psycopg.connect(there) as connection:
        found = connection.execute('SELECT count(*), sum("contactId"), count(DISTINCT "lastName") FROM contacts')
        rows, sum_of_ids, names = found.fetchone() or (0, 0, 0)
    here: Sequence[int] = Contact.objects.order_by().values_list("pk", flat=True)
    assert (rows, int(sum_of_ids), names) == (len(here), sum(here), 2), (rows, sum_of_ids, names)


def show(figures: dict[str, Any]) -> None:
    for leg, found in figures["seconds"].items():
        print(f"{leg:14} {found:10.2f} s")
    print(f"{'full':14} {figures['per_second']:10,} contacts/s")
    print(f"{'full to raw':14} {figures['full_to_raw']:10.2f}")
    print(f"{'peak':14} {figures['peak_mb']:10.0f} MB")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--contacts", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = arguments.parse_args()
    if find_second_binaries() is None:
        raise SystemExit(f"Nothing to measure against: {MISSING}.")
    os.environ.setdefault("SECRETS_KEY", Fernet.generate_key().decode())
    with own_database(), second_server() as there:
        from contacts.models import CustomField

        CustomField.objects.create(key="shoe_size", label="Shoe size")
        preload(given.contacts)
        figures = measure(given.contacts, given.rounds, there)
    show(figures)
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
