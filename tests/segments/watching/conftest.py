"""An account in which a marketer watches segments, and a clock that tests may turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contacts.identity.settings import forget_settings
from contacts.identity.types import STANDARD
from contacts.models import CustomField
from segments.catalogue import save_segment
from segments.conditions.dates import Clock
from segments.conditions.lookups import DatabaseLookups
from segments.membership import members
from segments.models import Segment, SegmentType, Stay, Watch
from segments.watching import advance, forget_watched, watch_segment
from segments.watching.upkeep import start_new
from tests.people import Stage, Step, set_up_account


@dataclass
class Watcher:
    """What is watched, by name; its clock is the stage's."""

    stage: Stage
    segments: dict[str, Segment] = field(default_factory=dict)

    def play(self, *steps: Step) -> Watcher:
        """What happens; then whatever is due is done."""
        for step in steps:
            step(self.stage)
        return self.catch_up()

    def watch(
        self, name: str, match: Any = None, *, is_watched: bool = True, catches_up: bool = True, **more: Any
    ) -> Segment:
        """A segment of this name, static without conditions; ``more`` are parts of its definition, or of its watch."""
        parts = {key: more.pop(key) for key in ("exclude", "time_zone") if key in more}
        definition = None if match is None else {"version": 1, "match": deepcopy(match), **parts}
        kind = SegmentType.STATIC if match is None else SegmentType.DYNAMIC
        segment = save_segment(Segment(name=name, type=kind, definition=definition))
        self.segments[name] = segment
        if is_watched:
            watch_segment(segment, **more)
            forget_watched()
            start_new(now=self.stage.now, waits=False)
            if catches_up:
                self.catch_up()
        return segment

    def catch_up(self) -> Watcher:
        while advance(now=self.stage.now, seconds=60):
            pass
        return self

    def wait(self, **length: float) -> Watcher:
        """Time goes by and nothing happens."""
        self.stage.now += timedelta(**length)
        return self.catch_up()

    def inside(self, name: str) -> set[str | None]:
        """Who is in, by the stays."""
        ids = Stay.objects.filter(segment=self.segments[name], left_at=None).values_list("contact_id", flat=True)
        return {self.stage.name_of(contact_id) for contact_id in ids}

    def stays(self, name: str, contact: str) -> list[tuple[str, str]]:
        """Why somebody entered and left, each time; '' who has not left."""
        stays = Stay.objects.filter(segment=self.segments[name], contact_id=self.stage.ids[contact])
        return list(stays.order_by("entered_at", "pk").values_list("entered_by", "left_by"))

    def watch_of(self, name: str) -> Watch:
        return Watch.objects.get(segment=self.segments[name])


def member_ids(segment: Segment, now: datetime) -> set[int]:
    """Who is in at this moment, asked anew."""
    lookups = DatabaseLookups()
    lookups.clock = Clock(now, ZoneInfo(lookups.account.time_zone))
    return set(members(segment, lookups=lookups).values_list("pk", flat=True))


@pytest.fixture
def stage(db: None) -> Iterator[Stage]:
    set_up_account(STANDARD)
    for key, field_type in (("birthday", "date"), ("renewed", "datetime")):
        CustomField(key=key, label=key.capitalize(), type=field_type).save()
    forget_settings()
    forget_watched()
    yield Stage()
    forget_settings()
    forget_watched()


@pytest.fixture
def watcher(stage: Stage) -> Watcher:
    return Watcher(stage)


@pytest.fixture
def watch(watcher: Watcher) -> Callable[..., Segment]:
    return watcher.watch
