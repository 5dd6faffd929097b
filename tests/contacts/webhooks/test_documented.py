"""The code in ``docs/webhooks.md`` does what it says."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from contacts.webhooks import secret_of, send_test

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


@pytest.fixture
def is_from_cardfile() -> Any:
    """The function as it stands in the documentation."""
    [code] = [code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if "def is_from" in code]
    room: dict[str, Any] = {}
    exec(code, room)  # noqa: S102  # it is ours
    return room["is_from_cardfile"]


@pytest.mark.django_db
def test_a_request_of_ours_is_known_and_no_other(shop, listen, is_from_cardfile):
    webhook = listen()
    send_test(webhook)
    [(headers, body)] = shop.requests
    header, secret = headers["Cardfile-Signature"], secret_of(webhook.salt)

    assert is_from_cardfile(header, body, secret)
    assert not is_from_cardfile(header, body + b" ", secret)
    assert not is_from_cardfile(header, body, secret_of("another"))
    assert not is_from_cardfile(header.replace("t=", "t=1"), body, secret)
    assert not is_from_cardfile("", body, secret)
    assert not is_from_cardfile(f"t={int(time.time())}", body, secret)
