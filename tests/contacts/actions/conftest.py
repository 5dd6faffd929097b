"""Olena, Bohdan, Ivan and Mariia, who is deleted; a list of guests; and an action over some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contacts import actions
from contacts.actions import gathering
from contacts.actions.run import carry_out
from contacts.identity.settings import forget_settings
from contacts.models import ContactAction, CustomField
from contacts.populations import current
from contacts.selections import Selection
from tests.people import Stage, deleted, have

MANY = 10_000
"""So many that an action is a job's work, whoever really is there."""


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    forget_settings()
    for key, kind in (("tier", "text"), ("visits", "number")):
        CustomField.objects.create(key=key, label=key.title(), type=kind)
    stage = Stage()
    for step in (
        have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena", "town": "Lviv"}),
        have("bohdan", {"external_id": "A-2", "email": "family@example.com", "first_name": "Bohdan"}),
        have("ivan", {"external_id": "A-3", "first_name": "Ivan", "phone": "+380501112233"}),
        have("mariia", {"external_id": "A-4", "email": "mariia@example.com", "first_name": "Mariia"}),
        deleted("mariia"),
    ):
        step(stage)
    yield stage
    forget_settings()


@pytest.fixture
def guests(db: None) -> int:
    current().add("Guests", [], by="user:1")
    number = current().find("Guests")
    assert number is not None
    return number


@pytest.fixture
def do(stage: Stage) -> Callable[..., ContactAction]:
    """``do(Delete(), "olena", "ivan")``: done to them, or to all whom the list shows, as a worker would."""

    def run(verb: Any, *names: str, **conditions: str) -> ContactAction:
        action = ask(stage, verb, *names, **conditions)
        carry_out(action)
        return action

    return run


def ask(stage: Stage, verb: Any, *names: str, count: int | None = MANY, **conditions: str) -> ContactAction:
    """Confirmed, and not begun."""
    ids = tuple(stage.ids[name] for name in names)
    selection = Selection(ids=ids) if names else Selection(conditions=conditions)
    return actions.begin(verb, selection, by="user:1", count=count)


@pytest.fixture
def in_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each contact is a batch of its own."""
    monkeypatch.setattr(gathering.gather, "__kwdefaults__", {"size": 1})


class Stop(Exception):
    """The worker dies here."""


def dying_after(batches: int) -> Any:
    left = [batches]

    def tell() -> None:
        if not left[0]:
            raise Stop
        left[0] -= 1

    return tell
