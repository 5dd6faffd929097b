"""Programs that say what they are (pure)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_bot"]

NAMES: Final = re.compile(
    r"(?<!cu)bot(\b|[/;_-])|crawl|spider|slurp|scrap(er|y)|fetcher|preview|facebookexternalhit|mediapartners|lighthouse"
    r"|pingdom|uptime|monitoring|archiver|validator|ia_archiver|bingpreview|yandex\.com/bots|embedly|whatsapp/|google-",
    re.IGNORECASE,
)


def is_bot(user_agent: str) -> bool:
    """Whether the sender names itself as a program that goes through pages; who hides it is not found out."""
    return bool(NAMES.search(user_agent))
