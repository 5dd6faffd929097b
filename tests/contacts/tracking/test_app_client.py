"""The reference client, as somebody runs it from a shell, against a server that really listens."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contacts.activity.joining import join_waiting
from contacts.keys import Kind
from contacts.models import Contact, Event, EventType, Identifier
from tests.contacts.tracking.apps import make_app
from tests.people import OLENA

CLIENT = Path(__file__).parents[3] / "docs" / "clients" / "app.py"


def load_client() -> Any:
    """It is no package: people copy the file."""
    spec = importlib.util.spec_from_file_location("reference_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


client = load_client()
TIMEOUT = 60


class Phone:
    """An installation of the app; it is killed after each command, and all that it knows is in its folder."""

    def __init__(self, address: str, key: str, folder: Path) -> None:
        self.address, self.key, self.folder = address, key, folder

    def __call__(self, *command: str, address: str = "") -> dict[str, Any]:
        options = ["--address", address or self.address, "--key", self.key, "--folder", str(self.folder)]
        run = subprocess.run(
            [sys.executable, str(CLIENT), *options, *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert run.returncode in (0, 1), run.stderr
        told: dict[str, Any] = json.loads(run.stdout)
        return told

    @property
    def device_id(self) -> str:
        return str(json.loads((self.folder / "state.json").read_bytes())["deviceId"])


@pytest.fixture
def phone(transactional_db, live_server, tmp_path) -> Phone:
    return Phone(f"{live_server.url}/api", make_app(), tmp_path / "phone")


@contextmanager
def server_that_answers(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Gives its address, and the paths it was asked for; after the last answer it answers 200."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = answers[len(asked)] if len(asked) < len(answers) else (200, {})
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b'{"warnings": []}')

        def log_message(self, *_said: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api", asked
    server.shutdown()
    thread.join()
    server.server_close()


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


def params_in_order() -> list[Any]:
    return list(Event.objects.order_by("occurred_at").values_list("params__product", flat=True))


def test_who_installs_browses_and_signs_up_has_it_all_on_one_sheet(phone):
    phone("start", "--token", "push-1", "--model", "Pixel 8", "--os", "ANDROID", "--os-version", "14")
    phone("track", "productViewed", "product=Boots")
    done = phone("sign-in", "C-1", "--email", OLENA, "--first-name", "Olena")

    assert done == {"sent": 1, "waiting": 0, "dropped": [], "warnings": []}
    contact = Contact.objects.get(state=1)
    assert (contact.external_id, contact.email, contact.first_name) == ("C-1", OLENA, "Olena")
    held = Identifier.objects.filter(contact_id=contact.pk, kind__in=[Kind.DEVICE, Kind.MOBILE_PUSH])
    assert set(held.values_list("value", flat=True)) == {phone.device_id, "push-1"}
    assert Event.objects.get().contact_id == contact.pk


def test_what_happens_without_a_network_is_sent_later_in_its_order(phone):
    away = nowhere()
    phone("start", "--token", "push-1", address=away)
    for product in ("Boots", "Coat", "Hat"):
        phone("track", "productViewed", f"product={product}", address=away)
    assert phone("sign-in", "C-1", address=away)["waiting"] == 5

    done = phone("send")

    assert (done["sent"], done["waiting"]) == (5, 0)
    assert params_in_order() == ["Boots", "Coat", "Hat"]
    assert set(Event.objects.values_list("contact_id", flat=True)) == {Contact.objects.get(state=1).pk}


def test_a_device_is_told_again_only_if_something_changed(phone):
    assert phone("start", "--token", "push-1")["sent"] == 1
    assert phone("start", "--token", "push-1")["sent"] == 0
    assert phone("start", "--token", "push-2")["sent"] == 1

    assert list(Identifier.objects.filter(kind=Kind.MOBILE_PUSH).values_list("value", flat=True)) == ["push-2"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_be_cured_is_sent_again(tmp_path, status):
    with server_that_answers((status, {"Retry-After": "0"}), (status, {"Retry-After": "0"})) as (address, asked):
        app = client.App(address, "key", tmp_path)
        app.track("productViewed")
        done = app.send_all(patience=30)

    assert asked == ["/api/v1/events"] * 3
    assert (done.sent, done.waiting, done.dropped) == (1, 0, [])


def test_without_patience_what_may_be_cured_stays_for_the_next_time(tmp_path):
    with server_that_answers((503, {})) as (address, asked):
        app = client.App(address, "key", tmp_path)
        app.track("productViewed")
        assert app.send_all(patience=0).waiting == 1
        assert client.App(address, "key", tmp_path).send().sent == 1

    assert len(asked) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_what_is_refused_is_dropped_and_stands_in_nobodys_way(tmp_path, status):
    with server_that_answers((status, {})) as (address, asked):
        app = client.App(address, "key", tmp_path)
        app.track("first")
        app.sign_in("C-1")
        done = app.send()

    assert asked == ["/api/v1/events", "/api/v1/user"]
    assert (done.sent, done.waiting, len(done.dropped)) == (1, 0, 1)


def test_events_go_together_and_never_over_a_sign_in(tmp_path):
    with server_that_answers() as (address, asked):
        app = client.App(address, "key", tmp_path)
        for event in range(3):
            app.track(f"event-{event}")
        app.sign_in("C-1")
        app.track("last")
        done = app.send()

    assert asked == ["/api/v1/events", "/api/v1/user", "/api/v1/events"]
    assert done.sent == 5


def test_a_queue_that_is_full_gives_up_its_oldest_event(tmp_path):
    queue = client.Queue(tmp_path)
    queue.put("user", {})
    for number in range(3):
        queue.put("events", {"number": number})

    queue.make_room(longest=4)

    assert [(kept.call, kept.body.get("number")) for kept in queue] == [("user", None), ("events", 1), ("events", 2)]


def test_half_a_file_in_the_queue_stands_in_nobodys_way(tmp_path):
    with server_that_answers() as (address, _asked):
        app = client.App(address, "key", tmp_path)
        app.track("first")
        (tmp_path / "queue" / "000000000000.json").write_text('{"call": "ev')

        assert app.send().sent == 1


def test_the_servers_own_refusal_is_told(phone):
    done = Phone(phone.address, "wrong", phone.folder)("track", "productViewed")

    assert done["dropped"] == [
        "events: 401 The app key is wrong or disabled. Send a key of this app in the header X-Reteno-Access-Key."
    ]


def test_a_call_whose_answer_got_lost_stores_its_events_once(phone):
    phone("start")
    phone("track", "productViewed", "product=Boots", address=nowhere())
    [kept] = (phone.folder / "queue").glob("*.json")
    content = kept.read_bytes()
    phone("send")
    kept.write_bytes(content)  # the phone never heard that it arrived

    assert phone("send")["sent"] == 1
    assert Event.objects.count() == 1


def test_events_before_the_device_was_told_wait_for_it(phone):
    phone("track", "appOpened")
    assert not Event.objects.exists()

    phone("start", "--token", "push-1")
    join_waiting()

    assert Event.objects.get().contact_id == Contact.objects.get().pk
    assert EventType.objects.filter(key="appOpened").exists()
