"""What ``docs/events.md`` sends and asks is taken as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Contact, Event
from segments.membership import list_members
from segments.models import Segment
from tests.segments.table import define

PAGE = Path(__file__).parents[3] / "docs" / "events.md"


def blocks() -> list[Any]:
    return [json.loads(code) for code in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.S)]


@pytest.mark.django_db
def test_the_example_is_stored_once_and_its_segment_finds_the_contact(call_api: Any) -> None:
    sent, condition = blocks()

    answers = [call_api("post", "/api/v1/past_events", sent, format="json").json() for _ in range(2)]

    assert [answer["successCount"] for answer in answers] == [1, 1]
    assert Event.objects.count() == 1
    segment = Segment(type="dynamic", definition=define({"all": [condition]}))
    assert list_members(segment) == [Contact.objects.get(email="olena@example.com")]
