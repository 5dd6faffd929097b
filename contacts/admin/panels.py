"""What the sheet tells at one glance: who this is, how they are reached, where they belong, what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from contacts import populations
from contacts.activity import Revenue, Totals, read_totals
from contacts.admin.channels import Wish, list_wishes
from contacts.admin.telling import show_money
from contacts.admin.wording import ICONS, KINDS, SOURCES, word
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.models import ChannelState, Contact, ContactState, Identifier, Merge
from contacts.populations import Population

__all__ = ["Channel", "Summary", "list_merges", "read_summary"]

MERGES_AT_MOST: Final = 50
CHANNELS: Final = ((Kind.EMAIL, "email", "mail"), (Kind.PHONE, "phone", "call"))
"""The kinds that have a state: kind, column, symbol."""
TOKENS: Final[dict[Kind, str]] = {
    Kind.MOBILE_PUSH: "smartphone",
    Kind.WEB_PUSH: "notifications",
    Kind.TELEGRAM: "send",
}
"""The kinds that a contact is reached by without a state: they are there or not."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach the contact; ``wishes`` are what can be done about its state.

    ``tone`` is a class of the style sheets, ``symbol`` and ``sign`` are names of the back office's font: of the kind,
    and of the state.
    """

    label: str
    symbol: str
    shown: str
    state: str = ""
    sign: str = ""
    tone: str = ""
    since: datetime | None = None
    reason: str = ""
    column: str = ""
    wishes: list[tuple[str, Wish]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the totals, in words; ``more`` where it is at least so much."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. ``standing`` says what a contact without external ID is."""

    channels: list[Channel]
    segments: list[Population]
    figures: list[Figure]
    standing: str
    source: str
    last_seen_at: datetime | None


def read_summary(contact: Contact, *, with_segments: bool) -> Summary:
    """Four statements of bounded cost; segments that are a question are asked after the page stands."""
    totals = read_totals(contact.pk)
    return Summary(
        channels=[*list_channels(contact), *list_token_channels(contact)],
        segments=populations.current().groups_of(contact.pk) if with_segments else [],
        figures=list_figures(totals),
        standing=name_standing(contact),
        source=word(SOURCES, contact.source),
        last_seen_at=max(filter(None, (contact.last_seen_at, totals.last_event_at)), default=None),
    )


def name_standing(contact: Contact) -> str:
    """What stands in the place of an external ID where there is none."""
    if contact.external_id:
        return ""
    known = contact.identifier_kinds & IDENTIFYING_MASK or contact.made_deliberately or contact.order_count
    return _("no external ID") if known or contact.state != ContactState.ACTIVE else _("anonymous")


# Channels


def list_channels(contact: Contact) -> list[Channel]:
    """Email and phone, each with its state, since when and why."""
    return [
        _read_channel(contact, kind, column, symbol) for kind, column, symbol in CHANNELS if getattr(contact, column)
    ]


def _read_channel(contact: Contact, kind: Kind, column: str, symbol: str) -> Channel:
    state = getattr(contact, f"{column}_state")
    sign, tone = ICONS.get(state or 0, ("", ""))
    return Channel(
        label=word(KINDS, kind),
        symbol=symbol,
        shown=getattr(contact, column),
        state=str(ChannelState(state).label) if state else "",
        sign=sign,
        tone=tone,
        since=getattr(contact, f"{column}_state_at"),
        reason=getattr(contact, f"{column}_state_reason") or "",
        column=column,
        wishes=list_wishes(state) if contact.state == ContactState.ACTIVE else [],
    )


def list_token_channels(contact: Contact) -> list[Channel]:
    """Apps, browsers and messengers that the contact is reached by; nothing is asked where the mask has none."""
    kinds = [kind for kind in TOKENS if contact.identifier_kinds & (1 << kind)]
    if not kinds:
        return []
    rows = Identifier.objects.filter(contact_id=contact.pk, kind__in=kinds).values("kind")
    found = {row["kind"]: row for row in rows.annotate(count=Count("pk"), since=Min("first_seen_at"))}
    return [
        Channel(
            label=word(KINDS, kind),
            symbol=TOKENS[kind],
            shown=f"{word(KINDS, kind)} × {found[kind]['count']}" if found[kind]["count"] > 1 else word(KINDS, kind),
            since=found[kind]["since"],
        )
        for kind in kinds
        if kind in found
    ]


# Totals


def list_figures(totals: Totals) -> list[Figure]:
    """Orders, revenue by currency, events."""
    delivered = _("{count} delivered").format(count=show_count(totals.delivered, more=False)) if totals.orders else ""
    return [
        Figure(_("Orders"), show_count(totals.orders, more=False), delivered),
        *(
            Figure(_("Revenue"), show_money(revenue.amount, revenue.currency), say_revenue(revenue))
            for revenue in totals.revenue
        ),
        Figure(_("Events"), show_count(totals.events, more=totals.more_events)),
    ]


def say_revenue(revenue: Revenue) -> str:
    """The average of several orders, and when the first and the last of them were made."""
    first, last = show_day(revenue.first_at), show_day(revenue.last_at)
    if revenue.orders == 1:
        return _("one order, {day}").format(day=last)
    average = show_money(revenue.average, revenue.currency)
    text = _("{count} orders of {average} on average, {first} to {last}")
    count = show_count(revenue.orders, more=False)
    return text.format(count=count, average=average, first=first, last=last)


def show_day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATE_FORMAT")


def show_count(count: int, *, more: bool) -> str:
    """A number in the reader's writing, with a plus where there are more."""
    return number_format(count, use_l10n=True, force_grouping=True) + ("+" if more else "")


# Merges


def list_merges(contact: Contact) -> list[Merge]:
    """Merges that this contact survived, the newest first."""
    return list(Merge.objects.filter(contact_id=contact.pk).order_by("-pk")[:MERGES_AT_MOST])
