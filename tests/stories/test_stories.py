"""Each story in every order of arrival: the end is the one that the story says, and the same to the last detail."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.stories.arrivals import draw_order, take_turns
from tests.stories.ending import Facts, forget_contacts, read_ending, sheet_of
from tests.stories.handover import HANDOVER
from tests.stories.mobile import MOBILE
from tests.stories.named import NAMED
from tests.stories.onboarding import ONBOARDING
from tests.stories.phones import PHONES
from tests.stories.store import STORE
from tests.stories.story import Sheet, Story
from tests.stories.upload import UPLOAD
from tests.stories.web import WEB
from tests.stories.wire import Wire

STORIES = [MOBILE, UPLOAD, ONBOARDING, WEB, STORE, PHONES, HANDOVER, NAMED]

MIXES = 10
OFTEN = 1_000_000
"""Calls a second: stories are told faster than they happen."""


@pytest.fixture
def wire(run_jobs: Any, settings: Any, tmp_path: Any) -> Wire:
    settings.IMPORTS_DIR = tmp_path
    settings.CALLS_A_SECOND = dict.fromkeys(settings.CALLS_A_SECOND, OFTEN)
    settings.WEB_CALLS_A_SECOND = settings.WEB_CALLS_OF_ADDRESS = OFTEN
    return Wire(run_jobs)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_ends_the_same_in_whatever_order_its_facts_arrive(story: Story, wire: Wire) -> None:
    first: list[Facts] = []
    for order in story.orders():
        forget_contacts()
        story.tell(order, wire)
        ending = read_ending()
        told = "\n".join(str(call) for call in take_turns(story.senders, order))
        assert by_name(sheet_of(facts) for facts in ending) == by_name(story.ending), told
        assert ending == (first := first or ending), told


@pytest.mark.parametrize("seed", range(MIXES))
def test_stories_that_happen_at_once_end_as_each_of_them_alone(seed: int, wire: Wire) -> None:
    rng = random.Random(seed)
    mixed = mix(rng.sample(STORIES, rng.randint(2, 4)))
    order = draw_order(mixed.lengths, rng)
    mixed.tell(order, wire)
    told = "\n".join(str(call) for call in take_turns(mixed.senders, order))
    assert by_name(sheet_of(facts) for facts in read_ending()) == by_name(mixed.ending), told


def mix(stories: Sequence[Story]) -> Story:
    """All of them at once, each with senders of its own."""
    return Story(
        name=", ".join(story.name for story in stories),
        senders={f"{story.name}: {name}": calls for story in stories for name, calls in story.senders.items()},
        ending=[sheet for story in stories for sheet in story.ending],
    )


def by_name(sheets: Iterable[Sheet]) -> list[Sheet]:
    return sorted(sheets, key=lambda sheet: json.dumps(dict(sheet.fields), sort_keys=True))
