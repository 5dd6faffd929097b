"""A reference client that plays an app, in the standard library alone: read it before you write yours.

    python app.py --address https://crm.example.com/api --key ca_… --folder ~/.app start --token T --model "Pixel 8"
    python app.py … track productViewed product=Boots
    python app.py … sign-in C-1 --email olena@example.com --first-name Olena
    python app.py … send

What an app has to get right is all here:

1. Whatever happens goes to the queue on disk first, and is sent from there: nothing is lost without a network, or when
   the app is killed.
2. The queue is sent in its order, and one record waits for the one before: signing in means what happened before too.
3. Only 200 takes a record off the queue. At 429, at a 5xx and without a network it stays, and is sent again later, by
   the server's ``Retry-After`` or after pauses that grow. Any other answer drops it: it would be refused for ever.
4. Events carry the time they happened at, so that they may come late, and may come twice: they are stored once.
5. The device's ID stays as long as the app is installed; who is signed in is part of every record.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

HEADER = "X-Reteno-Access-Key"
EVENTS_A_CALL = 100
LONGEST_QUEUE = 5_000
"""Records; then the oldest events go."""
LONGEST_PAUSE = 300.0
"""Seconds."""


class Answer(NamedTuple):
    """``status`` is 0 where nobody answered."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status == HTTPStatus.OK

    @property
    def may_be_cured(self) -> bool:
        """Whether the same record may be taken another time."""
        return self.status in (0, HTTPStatus.TOO_MANY_REQUESTS) or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


class Kept(NamedTuple):
    """A record of the queue: which call it is for, and its body."""

    path: Path
    call: str
    body: dict[str, Any]


class Queue:
    """Records on disk, a file each; its name is its place, and it is there wholly or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, call: str, body: dict[str, Any]) -> None:
        self.make_room()
        paths = self.paths()
        number = int(paths[-1].stem) + 1 if paths else 1
        write_whole(self.folder / f"{number:012}.json", {"call": call, "body": body})

    def make_room(self, *, longest: int = LONGEST_QUEUE) -> None:
        """Too long without a network: the oldest events are worth least; who signed in, and tokens, stay."""
        if len(paths := self.paths()) >= longest:
            oldest = next((kept for kept in map(read_kept, paths) if kept and kept.call == "events"), None)
            (oldest.path if oldest else paths[0]).unlink(missing_ok=True)

    def paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def __iter__(self) -> Iterator[Kept]:
        for path in self.paths():
            kept = read_kept(path)
            if kept is None:
                path.unlink(missing_ok=True)  # not ours: it would stand in everybody's way
            else:
                yield kept

    def __len__(self) -> int:
        return len(self.paths())


def read_kept(path: Path) -> Kept | None:
    try:
        told = json.loads(path.read_bytes())
        return Kept(path, str(told["call"]), dict(told["body"]))
    except (ValueError, KeyError, TypeError):
        return None


def write_whole(path: Path, content: Any) -> None:
    """A crash leaves the old file or the new one, never half of one."""
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(json.dumps(content).encode())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


@dataclass
class Sent:
    """What became of the queue."""

    sent: int = 0
    dropped: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    waiting: int = 0


class App:
    """One installation of an app: its folder is all that it remembers."""

    def __init__(self, address: str, key: str, folder: Path, *, timeout: float = 15.0) -> None:
        self.address = address.rstrip("/")
        self.key = key
        self.timeout = timeout
        self.queue = Queue(folder / "queue")
        self.state_path = folder / "state.json"
        self.state: dict[str, Any] = {"deviceId": str(uuid.uuid4()), "externalUserId": None, "told": None}
        if self.state_path.exists():
            self.state |= json.loads(self.state_path.read_bytes())
        else:
            self.remember()

    # What an app does

    def start(self, **device: Any) -> None:
        """At every start; told only if something changed: a token, a version, the permission, who is signed in."""
        told = {**self.sender(), **{name: value for name, value in device.items() if value is not None}}
        if told != self.state["told"]:
            self.queue.put("device", told)
            self.remember(told=told)

    def sign_in(self, user_id: str, **wishes: Any) -> None:
        """``wishes``: userAttributes, subscriptionKeys, groupNamesInclude, groupNamesExclude."""
        self.remember(externalUserId=user_id)
        self.queue.put("user", {**self.sender(), **wishes})

    def sign_out(self) -> None:
        """What happens from now on is nobody's; the device stays on the contact until somebody else signs in."""
        self.remember(externalUserId=None)

    def track(self, event_type: str, **params: Any) -> None:
        listed = [{"name": name, "value": value} for name, value in params.items()]
        occurred = datetime.now(UTC).isoformat(timespec="microseconds")
        event = {"eventTypeKey": event_type, "occurred": occurred, "params": listed}
        self.queue.put("events", {**self.sender(), "events": [event]})

    # Sending

    def send(self) -> Sent:
        """As much of the queue as the server takes now; what is left is for the next time."""
        done = Sent()
        while batch := next_batch(self.queue):
            answer = self.call(batch[0].call, join(batch))
            if not answer.is_success and answer.may_be_cured:
                self.remember(retry_after=answer.retry_after)
                break
            if answer.is_success:
                done.sent += len(batch)
                done.warnings += answer.body.get("warnings", [])
            else:
                done.dropped.append(f"{batch[0].call}: {answer.status} {answer.body.get('message', '')}".strip())
            for kept in batch:
                kept.path.unlink(missing_ok=True)
        done.waiting = len(self.queue)
        return done

    def send_all(self, *, patience: float) -> Sent:
        """Again and again, until everything is sent or so many seconds are over."""
        deadline, total, tries = time.monotonic() + patience, Sent(), 0
        while True:
            done = self.send()
            total.sent += done.sent
            total.dropped += done.dropped
            total.warnings += done.warnings
            total.waiting = done.waiting
            tries = 0 if done.sent else tries + 1
            pause = self.pause(tries)
            if not done.waiting or time.monotonic() + pause > deadline:
                return total
            time.sleep(pause)

    def pause(self, tries: int) -> float:
        """As long as the server says; else 1, 2, 4 … seconds, a little different on every device."""
        said = self.state.get("retry_after")
        grown = min(2.0 ** max(tries - 1, 0), LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311
        return float(said) if said is not None else grown

    def call(self, name: str, body: dict[str, Any]) -> Answer:
        headers = {HEADER: self.key, "Content-Type": "application/json", "Content-Encoding": "gzip"}
        packed = gzip.compress(json.dumps(body).encode())
        request = Request(f"{self.address}/v1/{name}", packed, headers, method="POST")  # noqa: S310  # our own address
        try:
            with urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                return Answer(answer.status, read_json(answer.read()))
        except HTTPError as error:
            with error:
                return Answer(error.code, read_json(error.read()), read_seconds(error.headers.get("Retry-After")))
        except (URLError, OSError):
            return Answer(0, {})

    # Remembering

    def sender(self) -> dict[str, Any]:
        signed_in = self.state["externalUserId"]
        known = {"externalUserId": signed_in} if signed_in else {}
        return {"deviceId": self.state["deviceId"], **known}

    def remember(self, **changed: Any) -> None:
        self.state |= changed
        write_whole(self.state_path, self.state)


def next_batch(queue: Queue) -> list[Kept]:
    """The first record; events take those along that follow, of the same device and person."""
    batch: list[Kept] = []
    for kept in queue:
        fits = not batch or (kept.call == batch[0].call == "events" and sender_of(kept) == sender_of(batch[0]))
        if not fits or len(batch) == EVENTS_A_CALL:
            break
        batch.append(kept)
    return batch


def sender_of(kept: Kept) -> tuple[Any, Any]:
    return kept.body.get("deviceId"), kept.body.get("externalUserId")


def join(batch: list[Kept]) -> dict[str, Any]:
    body = dict(batch[0].body)
    if batch[0].call == "events":
        body["events"] = [event for kept in batch for event in kept.body["events"]]
    return body


def read_json(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def read_seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text or ""), 0.0), LONGEST_PAUSE)
    except ValueError:
        return None


# From a shell


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plays an app against Cardfile's doors for apps.")
    parser.add_argument(
        "--address", required=True, help="as the app's page says it, such as https://crm.example.com/api"
    )
    parser.add_argument("--key", required=True, help="a key of the app")
    parser.add_argument("--folder", required=True, type=Path, help="what this installation remembers")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds to go on trying (default: one try)")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="tell what the device is, if it changed")
    for option in ("token", "model", "os", "os-version", "app-version", "language", "time-zone", "category"):
        start.add_argument(f"--{option}")
    start.add_argument("--silent", action="store_true", help="no messages may be shown")
    sign_in = commands.add_parser("sign-in", help="tell who holds the device")
    sign_in.add_argument("user_id")
    for option in ("email", "phone", "first-name", "last-name"):
        sign_in.add_argument(f"--{option}")
    commands.add_parser("sign-out", help="nobody holds it any more")
    track = commands.add_parser("track", help="an event happened")
    track.add_argument("event_type")
    track.add_argument("params", nargs="*", metavar="name=value")
    commands.add_parser("send", help="send what waits")
    return parser.parse_args(arguments)


def do(app: App, asked: argparse.Namespace) -> None:
    match asked.command:
        case "start":
            app.start(
                pushToken=asked.token,
                pushSubscribed=not asked.silent,
                deviceModel=asked.model,
                osType=asked.os,
                osVersion=asked.os_version,
                appVersion=asked.app_version,
                languageCode=asked.language,
                timeZone=asked.time_zone,
                category=asked.category,
            )
        case "sign-in":
            names = {"email": "email", "phone": "phone", "first_name": "firstName", "last_name": "lastName"}
            given = {wire: getattr(asked, name) for name, wire in names.items() if getattr(asked, name)}
            app.sign_in(asked.user_id, userAttributes=given)
        case "sign-out":
            app.sign_out()
        case "track":
            app.track(asked.event_type, **dict(param.partition("=")[::2] for param in asked.params))


def main(arguments: list[str]) -> int:
    asked = read_arguments(arguments)
    app = App(asked.address, asked.key, asked.folder)
    do(app, asked)
    done = app.send_all(patience=asked.patience)
    told = {"sent": done.sent, "waiting": done.waiting, "dropped": done.dropped, "warnings": done.warnings}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if done.waiting else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
