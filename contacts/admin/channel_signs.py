"""The ways to reach a contact as signs: a channel, and beside an email or a phone its state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.filters import CHANNEL_LABELS
from contacts.admin.wording import ICONS
from contacts.keys import Kind
from contacts.models import ChannelState, Contact

__all__ = ["show_channels"]

SYMBOLS: Final = {"email": "mail", "phone": "call", "mobile_push": "smartphone", "web_push": "web", "telegram": "send"}
TOKENS: Final = (Kind.MOBILE_PUSH, Kind.WEB_PUSH, Kind.TELEGRAM)
PLAIN: Final = frozenset({ChannelState.ACTIVE})
"""States that need no second sign: the first one says it by its colour."""


def show_channels(contact: Contact) -> str | SafeString:
    """All channels of a contact, each as one picture with a name that says its state."""
    return format_html_join("", "{}", ((sign,) for sign in list_signs(contact))) or "—"


def list_signs(contact: Contact) -> Iterator[SafeString]:
    for channel, value, state in (
        ("email", contact.email, contact.email_state),
        ("phone", contact.phone, contact.phone_state),
    ):
        if value:
            yield show_sign(channel, value, ChannelState(state) if state else None)
    for kind in TOKENS:
        if contact.identifier_kinds & (1 << kind):
            yield show_sign(kind.slug)


def show_sign(channel: str, value: str = "", state: ChannelState | None = None) -> SafeString:
    label = str(CHANNEL_LABELS[channel])
    if state is None:
        return _write(label, value, SYMBOLS[channel], "dim")
    symbol, tone = ICONS[state]
    said = _("{channel}: {state}").format(channel=label, state=state.label)
    badge = "" if state in PLAIN else format_html('<span class="material-symbols-outlined cl-badge">{}</span>', symbol)
    return _write(said, value, SYMBOLS[channel], tone, badge)


def _write(label: str, value: str, symbol: str, tone: str, badge: str | SafeString = "") -> SafeString:
    return format_html(
        '<span class="cl-sign cf-{}" role="img" aria-label="{}" title="{}">'
        '<span class="material-symbols-outlined cf-icon">{}</span>{}</span>',
        tone,
        label,
        f"{label}, {value}" if value else label,
        symbol,
        badge,
    )
