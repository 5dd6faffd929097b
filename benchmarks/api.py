"""Calls of the API a second, beside a plain REST framework view that only inserts a row.

``python -m benchmarks.api --json`` starts the production web server on loopback and drives it with wrk, in turn:

ours   ``POST /api/v1/contact``: a whole upsert with validation, resolution, identifiers and journal; half of the calls
       bring new people, half change one that is there;
plain  a ModelViewSet behind the same authentication that inserts one row of the same model (``benchmarks.api_plain``).

No two bodies are alike. The key's limit is raised, so that calls are counted but not refused. ``ratios.single_1``,
``single_8``, ``single_32`` are ours ÷ plain at so many connections, the median of the rounds; ``ms`` holds the p99 of
both. Then bulk calls of 3,000 contacts each: ``per_second.bulk`` is contacts a second of the time that the queue takes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.apart import PROJECT
from benchmarks.frame import own_database

CONNECTIONS = (1, 8, 32)
BULK = 3_000
SCRIPT = r"""
-- Bodies are numbered by leg and call, so that no two are alike.
local leg, kind = os.getenv("LEG"), os.getenv("KIND")
local number = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")

local ours = '{"externalCustomerId":"%s-%d","channels":[{"type":"email","value":"e%d.%s@example.com"},' ..
  '{"type":"sms","value":"+38067%07d"}],"firstName":"Olena","lastName":"Shevchenko %d",' ..
  '"address":{"town":"Kyiv"},"languageCode":"uk"}'
local plain = '{"external_id":"%s-%d","email":"e%d.%s@example.com","phone":"+38067%07d",' ..
  '"first_name":"Olena","last_name":"Shevchenko %d","town":"Kyiv","language_code":"uk"}'

function request()
  number = number + 1
  local who = number
  if kind == "ours" and number % 2 == 0 then who = math.ceil(number / 4) end
  local phone = (tonumber(leg) * 100000 + who) % 10000000
  local body = string.format(kind == "ours" and ours or plain, leg, who, who, leg, phone, number)
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local said = '{"calls": %d, "microseconds": %d, "p50": %f, "p99": %f, "refused": %d, "broken": %d}'
  io.write(string.format('\nRESULT ' .. said .. '\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class Leg(NamedTuple):
    """What one run of wrk came to."""

    per_second: float
    p50_ms: float
    p99_ms: float


# wrk


def find_wrk() -> str:
    """Where wrk is; installed where it is missing and can be."""
    if shutil.which("wrk") is None and shutil.which("apt-get") and os.geteuid() == 0:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "wrk"]):
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("This benchmark drives the server with wrk. Install it: apt-get install wrk (Debian, Ubuntu).")
    return wrk


class Driver:
    """Runs wrk against the server, every leg with bodies of its own."""

    def __init__(self, port: int, secret: str, script: Path, seconds: float) -> None:
        self.wrk = find_wrk()
        self.port = port
        self.script = script
        self.seconds = seconds
        self.authorization = authorization(secret)
        self.legs = 0

    def run(self, kind: str, connections: int) -> Leg:
        self.legs += 1
        address = f"http://127.0.0.1:{self.port}/api/{'v1/contact' if kind == 'ours' else 'plain'}"
        command = [
            self.wrk,
            "-t1",
            f"-c{connections}",
            f"-d{self.seconds:g}s",
            "--timeout",
            "60s",
            "-s",
            self.script,
            address,
        ]
        given = {"LEG": str(self.legs), "KIND": kind, "AUTHORIZATION": self.authorization}
        said = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=True).stdout
        found = json.loads(said.rpartition("RESULT ")[2])
        if found["refused"] or found["broken"]:
            raise SystemExit(f"The server did not take every call of “{kind}”: {said}")
        return Leg(found["calls"] / found["microseconds"] * 1e6, found["p50"] / 1000, found["p99"] / 1000)


def authorization(secret: str) -> str:
    return "Basic " + b64encode(f"benchmark:{secret}".encode()).decode()


# Single calls


Legs = dict[tuple[str, int], list[Leg]]


def measure_single(driver: Driver, rounds: int) -> Legs:
    legs: Legs = defaultdict(list)
    for kind in ("ours", "plain"):
        driver.run(kind, 8)  # code is loaded, connections are made
    for number in range(rounds):
        for connections in CONNECTIONS:
            order = ("ours", "plain") if number % 2 else ("plain", "ours")
            for kind in order:
                legs[kind, connections].append(driver.run(kind, connections))
            ours, plain = (legs[kind, connections][-1] for kind in ("ours", "plain"))
            print(f"round {number + 1}, {connections:2} connections: {tell(ours, plain)}", flush=True)
    return legs


def tell(ours: Leg, plain: Leg) -> str:
    both = (f"{leg.per_second:6.0f}/s, p99 {leg.p99_ms:6.1f} ms" for leg in (ours, plain))
    return f"ours {next(both)}; plain {next(both)}; {ours.per_second / plain.per_second:.2f}"


def compare(legs: Legs) -> dict[str, float]:
    return {
        f"single_{connections}": statistics.median(
            ours.per_second / plain.per_second
            for ours, plain in zip(legs["ours", connections], legs["plain", connections], strict=True)
        )
        for connections in CONNECTIONS
    }


# Bulk calls


def bodies(calls: int) -> Iterator[bytes]:
    """New people, then the same ones changed, in turn."""
    from benchmarks.resolve import person

    for call in range(calls):
        first = call // 2 * BULK
        people = (person(number, changed=bool(call % 2)) for number in range(first, first + BULK))
        contacts = [
            {
                "externalCustomerId": external_id,
                "channels": [{"type": "email", "value": email}, {"type": "sms", "value": phone}],
                "firstName": first_name,
                "lastName": last_name,
                "address": {"town": town},
                "languageCode": language,
            }
            for external_id, email, phone, first_name, last_name, town, language, _size in people
        ]
        yield json.dumps({"contacts": contacts, "dedupeOn": "externalCustomerId"}, ensure_ascii=False).encode()


def measure_bulk(port: int, secret: str, calls: int) -> float:
    """Contacts a second of the time between the start and the end of the jobs, one after the other."""
    for body in bodies(calls):
        status, said = send(port, secret, body)
        if status != http.client.OK or json.loads(said).get("failedContacts"):
            raise SystemExit(f"The bulk call did not take every contact: {status} {said[:500]!r}")
    worker = [sys.executable, "manage.py", "run_worker", "--once", "--concurrency", "1"]
    subprocess.run(worker, cwd=PROJECT, check=True)
    return BULK * calls / queue_seconds()


def send(port: int, secret: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": authorization(secret), "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/contacts", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def queue_seconds() -> float:
    """Of all jobs that the bulk calls left."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(extract(epoch FROM ended.at - started.at)) FROM procrastinate_jobs job"
            " JOIN procrastinate_events started ON started.job_id = job.id AND started.type = 'started'"
            " JOIN procrastinate_events ended ON ended.job_id = job.id AND ended.type = 'succeeded'"
            " WHERE job.task_name ILIKE '%%bulk%%'"
        )
        (seconds,) = cursor.fetchone()
    if not seconds:
        raise SystemExit("The bulk calls left no job that succeeded.")
    return float(seconds)


# The whole


def measure(*, rounds: int, seconds: float, bulk_calls: int, folder: Path) -> dict[str, Any]:
    from benchmarks.imports import served
    from crm.api.keys import create_api_key

    script = folder / "calls.lua"
    script.write_text(SCRIPT)
    secret = create_api_key("benchmark", scope="full", calls_a_second=1_000_000)[1]
    with served() as port:
        legs = measure_single(Driver(port, secret, script, seconds), rounds)
        bulk = measure_bulk(port, secret, bulk_calls) if bulk_calls else None
    middle = {
        f"{kind}_{connections}": Leg(*map(statistics.median, zip(*found, strict=True)))
        for (kind, connections), found in legs.items()
    }
    per_second = {name: round(leg.per_second) for name, leg in middle.items()}
    return {
        "ratios": {name: round(figure, 3) for name, figure in compare(legs).items()},
        "ms": {
            f"{name}_{of}": round(getattr(leg, f"{of}_ms"), 2) for name, leg in middle.items() for of in ("p50", "p99")
        },
        "per_second": per_second | ({} if bulk is None else {"bulk": round(bulk)}),
    }


def show(figures: dict[str, Any]) -> None:
    for group, unit in (("per_second", "/s"), ("ms", "ms"), ("ratios", "of plain")):
        for name, figure in figures[group].items():
            print(f"{name:16} {figure:10,.2f} {unit}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=4, help="of each leg")
    arguments.add_argument("--bulk-calls", type=int, default=20, help="of 3,000 contacts; 0 for none")
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = vars(arguments.parse_args())
    as_json = given.pop("json")
    find_wrk()
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.api_settings"
    with own_database(), tempfile.TemporaryDirectory() as folder:
        from benchmarks.imports import share_database

        share_database()
        figures = measure(**given, folder=Path(folder))
    show(figures)
    if as_json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
