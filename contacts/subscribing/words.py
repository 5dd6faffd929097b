"""Where an email stands, in the words of subscribing (pure but for the states' numbers)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from contacts.models import ChannelState

__all__ = ["EmailStatus", "status_of"]


class EmailStatus(StrEnum):
    """``SUBSCRIBED``: there is no email, so nothing has to be confirmed."""

    NEED_CONFIRMATION = "NEED_CONFIRMATION"
    SUBSCRIBED = "SUBSCRIBED"
    ALREADY_SUBSCRIBED = "ALREADY_SUBSCRIBED"
    BLACKLISTED = "BLACKLISTED"


_BY_STATE: Final = {
    None: EmailStatus.SUBSCRIBED,
    ChannelState.ACTIVE: EmailStatus.ALREADY_SUBSCRIBED,
    ChannelState.BLACKLISTED: EmailStatus.BLACKLISTED,
}


def status_of(email_state: int | None) -> EmailStatus:
    """A confirmed subscribe lifts what is unsubscribed or bounced (T12), so these ask for it too."""
    return _BY_STATE.get(None if email_state is None else ChannelState(email_state), EmailStatus.NEED_CONFIRMATION)
