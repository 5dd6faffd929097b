"""What tests of verbs that people use share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contacts.identity.integrity import find_problems
from contacts.identity.settings import forget_settings
from tests.people import Stage, Step


@pytest.fixture
def sound(db: None) -> Any:
    """Whatever a test did, the tables agree with each other at its end."""
    forget_settings()
    yield
    assert find_problems() == []
    forget_settings()


@pytest.fixture
def play() -> Callable[..., Stage]:
    """``play(have("olena", …))``: what happened before the test begins."""

    def run(*steps: Step) -> Stage:
        stage = Stage()
        for step in steps:
            step(stage)
        return stage

    return run
