"""A shop that listens: a real server on this machine, and targets that call it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from contacts.identity.settings import forget_settings
from contacts.identity.types import STANDARD
from contacts.models import Webhook
from contacts.webhooks import deliver, save_webhook
from contacts.webhooks.bell import forget_targets
from tests.people import Stage, Step, set_up_account


@dataclass
class Shop:
    """What it was sent; how it answers next, the last answer again and again."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Any] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    poison: int | None = None

    def answer(self, body: Any) -> int:
        if self.poison is not None:
            return 422 if any(change["contact_id"] == self.poison for change in body["changes"]) else 200
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [change for body in self.received for change in body["changes"]]

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(change["kind"], change["contact_id"]) for change in self.changes]


@pytest.fixture
def shop(settings: Any) -> Iterator[Shop]:
    """The shop's server; our own machine is opened to requests."""
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.requests.append((dict(self.headers), body))
            status = shop.answer(json.loads(body))
            if status < 300:
                shop.received.append(json.loads(body))
            self.send_response(status)
            for name, value in shop.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """It is quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    """Nobody is there yet; the account has its custom fields."""
    set_up_account(STANDARD)
    forget_settings()
    forget_targets()
    yield Stage()
    forget_settings()
    forget_targets()


@pytest.fixture
def play(stage: Stage) -> Callable[..., Stage]:
    """``play(have("olena", …))``: what happens."""

    def run(*steps: Step) -> Stage:
        for step in steps:
            step(stage)
        return stage

    return run


ALL_KINDS = ["created", "updated", "merged", "deleted", "restored", "erased"]


@pytest.fixture
def listen(shop: Shop, stage: Stage) -> Callable[..., Webhook]:
    """``listen(columns=["email"])``: the shop is told of everything from now on."""

    def make(**chosen: Any) -> Webhook:
        webhook = Webhook(**{"name": "Shop", "url": shop.url, "kinds": ALL_KINDS, "columns": [], **chosen})
        return save_webhook(webhook)

    return make


@pytest.fixture
def bring(db: None) -> Callable[[Webhook], Webhook]:
    """``bring(webhook)``: what the queue would do now, whatever it waits for; the target as it stands afterwards."""

    def run(webhook: Webhook) -> Webhook:
        Webhook.objects.filter(pk=webhook.pk).update(next_try_at=None)
        while deliver(webhook.pk) == 0:
            pass
        webhook.refresh_from_db()
        return webhook

    return run
