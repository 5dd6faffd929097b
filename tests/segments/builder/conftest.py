"""The builder as a person has it before them, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from django.db import connection

from contacts.models import Contact
from segments.models import Segment
from tests.segments.people import make_people

AXE = Path(__file__).parents[3] / ".venv/node_modules/axe-core/axe.min.js"


@pytest.fixture
def crowd(transactional_db: None) -> dict[str, Contact]:
    return make_people()


@pytest.fixture
def page(page: Any, transactional_db: None) -> Iterator[Any]:
    """The page asks at every change: what it still asks for at a test's end would lock the tables that are emptied."""
    yield page
    page.goto("about:blank")
    wait_until_nobody_asks()


def wait_until_nobody_asks() -> None:
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                " AND pid <> pg_backend_pid()"
            )
            if cursor.fetchone() == (0,):
                return
        sleep(0.05)


@dataclass
class Builder:
    """The page; nodes are found by what they ask about, as somebody who listens to it finds them."""

    page: Any

    def open(self, segment: Segment | None = None) -> Builder:
        address = "add" if segment is None else f"{segment.pk}/change"
        self.page.goto(f"/admin/segments/segment/{address}/")
        self.page.locator("segment-builder.sb-ready").wait_for()
        return self

    @property
    def root(self) -> Any:
        return self.page.locator("[data-column=match]")

    @property
    def exclusion(self) -> Any:
        return self.page.locator("[data-column=exclude]")

    def node(self, place: int, within: Any = None) -> Any:
        """The condition or group at this place of a group, of the top unless one is given."""
        lists = (within or self.root).locator("[data-list]").first
        return lists.locator("> li[data-node]").nth(place)

    def choose(self, node: Any, what: str, wanted: str) -> None:
        """Open a list by its button, search, take the first."""
        node.locator(f"[data-part={what}]").first.click()
        self.page.keyboard.type(wanted)
        self.page.locator(".sb-popup .sb-active").wait_for()
        self.page.keyboard.press("Enter")

    def ask(self, node: Any, field: str, operator: str | None = None, value: str | None = None) -> None:
        """Fill in a condition."""
        self.choose(node, "field", field)
        if operator is not None:
            node.locator("[data-part=op]").first.select_option(label=operator)
        if value is not None:
            node.locator("[data-part=value]").first.fill(value)

    def add(self, what: str, within: Any = None) -> None:
        """A condition or a group, at the end of a group."""
        (within or self.root).locator(f"[data-part=add{what}]").last.click()

    def wait_for_count(self, count: int) -> None:
        self.page.locator("[data-count]").get_by_text(f"{count:,}", exact=True).wait_for()
        self.page.locator(".sb-panel:not(.sb-waiting)").wait_for()

    def save(self) -> Segment:
        self.page.get_by_role("button", name="Save and continue editing").click()
        self.page.get_by_text("successfully").wait_for()
        return Segment.objects.latest("updated_at")

    @property
    def definition(self) -> Any:
        return json.loads(self.page.locator("#id_definition").input_value())

    @property
    def match(self) -> Any:
        return self.definition["match"]

    @property
    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.getAttribute('aria-label') || ''"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture
def builder(admin_page: Any) -> Builder:
    return Builder(admin_page)


@pytest.fixture
def find_barriers(admin_page: Any) -> Callable[[], list[str]]:
    """``find_barriers()``: what axe finds on the page, a line each. Skipped where axe is not installed."""
    if not AXE.exists():
        pytest.skip("there is no axe here; `make setup-browser` installs it")

    def find() -> list[str]:
        admin_page.evaluate(AXE.read_text())
        found = admin_page.evaluate("axe.run('#content-main')")
        return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

    return find
