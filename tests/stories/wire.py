"""The public endpoints as senders call them: a server, an app and a page of a site, each by a key of its own."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.test import APIClient

from contacts.activity.jobs import join_waiting_events
from contacts.mobile import create_app_key
from contacts.models import App, EventType, Site, WhenNobody
from crm.api.keys import create_api_key

ORIGIN: Final = "https://shop.example.com"
KEPT: Final = "messageOpened"
"""Events of this type wait where nobody has what they name."""


class Wire:
    """One connection to everything; ``run_jobs`` lets the worker work off what waits."""

    def __init__(self, run_jobs: Callable[[], None]) -> None:
        self.run_jobs = run_jobs
        self.numbers = itertools.count(1)
        secret = create_api_key("stories", scope="full")[1]
        credentials = base64.b64encode(f":{secret}".encode()).decode()
        self.server = APIClient(HTTP_AUTHORIZATION=f"Basic {credentials}")
        app = App.objects.create(name="Shop", app_id="shop")
        self.app = APIClient(headers={"X-Reteno-Access-Key": create_app_key(app, "stories")[1]})
        self.site = Site.objects.create(name="Shop", origins=[ORIGIN])
        EventType.objects.update_or_create({"when_nobody": WhenNobody.KEEP}, key=KEPT)
        self.page = APIClient(headers={"Origin": ORIGIN})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """As another system; each call is one of its own, though its body may be one that was sent before."""
        name = f"call-{next(self.numbers)}"
        send = getattr(self.server, method.lower())
        answer = send(path, body, format="json", headers={"Idempotency-Key": name})
        assert 200 <= answer.status_code < 300, (method, path, answer.status_code, answer.content)
        return answer.json() if answer.content[:1] in (b"{", b"[") else None

    def call_from_app(self, path: str, body: Any) -> None:
        answer = self.app.post(path, body, format="json")
        assert (answer.status_code, answer.json().get("warnings")) == (200, []), (path, answer.content)

    def call_from_page(self, path: str, body: Any) -> None:
        """As ``sendBeacon`` does."""
        sent = json.dumps({"key": self.site.key, **body})
        answer = self.page.post(path, sent, content_type="text/plain;charset=UTF-8")
        assert answer.status_code == 204, (path, answer.status_code, answer.content)

    def upload(self, text: str, **form: str) -> None:
        """A CSV file, which the worker imports at once."""
        file = SimpleUploadedFile("contacts.csv", text.encode(), content_type="text/csv")
        body = encode_multipart(BOUNDARY, {"file": file, **form})
        answer = self.server.post("/api/v1/imports", body, content_type=MULTIPART_CONTENT)
        assert answer.status_code == 200, answer.content
        self.run_jobs()
        done = self.call("GET", f"/api/v1/imports/{answer.json()['id']}")
        assert (done["status"], done["errors"]) == ("finished", 0), done

    def open_link(self, link: str) -> None:
        answer = Client().post(urlsplit(link).path)
        assert answer.status_code == 200, (link, answer.content)

    def settle(self) -> None:
        """What is to be done in the background by now is done: events that wait join whoever got what they name."""
        join_waiting_events(timestamp=0)
