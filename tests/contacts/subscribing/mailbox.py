"""A mail server of our own, and how its mails are read."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

__all__ = ["Mailbox", "link_in", "part_of"]


class Mailbox:
    """Keeps whatever comes. ``answers`` are what it says to the next mails, in place of taking them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []
        self.is_closed = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.is_closed:
            return "451 Come back later."
        if self.answers:
            return self.answers.pop(0)
        self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


def part_of(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def link_in(text: str) -> str:
    """The confirmation link, without the site that it begins with."""
    [link] = set(re.findall(r"https?://[^/\s\"]+(/confirm/[\w.-]+)", text))
    return link
