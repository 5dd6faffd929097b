"""What the sheet tells at one glance: who this is, how they are reached, where they belong, what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Min
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from contacts import populations
from contacts.activity import Totals, read_totals
from contacts.admin.telling import show_money
from contacts.admin.wording import ICONS, KINDS, SOURCES, word
from contacts.identity.world import primary_key_of
from contacts.keys import IDENTIFYING_MASK, Kind
from contacts.models import CaseStatus, ChannelState, Contact, ContactState, DuplicateCase, Identifier, Merge
from contacts.populations import Population

__all__ = ["Channel", "Held", "Summary", "list_identifiers", "list_merges", "list_open_cases", "read_summary"]

MERGES_AT_MOST: Final = 50
IDENTIFIERS_AT_MOST: Final = 200
OTHERS_AT_MOST: Final = 5
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
    """A way to reach the contact. ``tone`` is a class of the style sheets, ``symbol`` and ``sign`` are names of the
    back office's font: of the kind, and of the state."""

    label: str
    symbol: str
    shown: str
    state: str = ""
    sign: str = ""
    tone: str = ""
    since: datetime | None = None
    reason: str = ""


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
        Figure(_("Orders"), show_count(totals.orders, more=totals.more_orders), delivered),
        *(
            Figure(_("Revenue"), show_money(amount, currency), _("at least") if totals.more_orders else "")
            for currency, amount in totals.revenue
        ),
        Figure(_("Events"), show_count(totals.events, more=totals.more_events)),
    ]


def show_count(count: int, *, more: bool) -> str:
    """A number in the reader's writing, with a plus where there are more."""
    return number_format(count, use_l10n=True, force_grouping=True) + ("+" if more else "")


# Merges


def list_merges(contact: Contact) -> list[Merge]:
    """Merges that this contact survived, the newest first."""
    return list(Merge.objects.filter(contact_id=contact.pk).order_by("-pk")[:MERGES_AT_MOST])


# Identifiers and cases


@dataclass(frozen=True, slots=True)
class Held:
    """One identifier of the contact. ``value`` is as it was written where only its hash is compared."""

    kind: str
    app: str
    value: str
    is_primary: bool
    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    details: list[tuple[str, str]]


def list_identifiers(contact: Contact) -> tuple[list[Held], bool]:
    """All identifiers by kind, and whether there are more than are shown."""
    rows = Identifier.objects.filter(contact_id=contact.pk).exclude(kind=Kind.ORDER)
    found = list(rows.order_by("kind", "-last_seen_at")[: IDENTIFIERS_AT_MOST + 1])
    primary = _primary_values(contact)
    shown = found[:IDENTIFIERS_AT_MOST]
    shown.sort(key=lambda row: (row.kind, primary.get(row.kind) != row.value))
    return [_read_identifier(row, primary) for row in shown], len(found) > IDENTIFIERS_AT_MOST


def _primary_values(contact: Contact) -> dict[int, str]:
    values = {Kind.EXTERNAL_ID: contact.external_id, Kind.EMAIL: contact.email, Kind.PHONE: contact.phone}
    return {int(kind): primary_key_of(kind, value)[2] for kind, value in values.items() if value}


def _read_identifier(row: Identifier, primary: dict[int, str]) -> Held:
    details = dict(row.details or {})
    written = str(details.pop("value", "")) if row.value.startswith("sha256:") else ""
    return Held(
        kind=word(KINDS, row.kind),
        app=row.app,
        value=written or row.value,
        is_primary=primary.get(row.kind) == row.value,
        source=word(SOURCES, row.source),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        details=[(str(key), str(value)) for key, value in details.items()],
    )


def list_open_cases(contact: Contact) -> list[dict[str, Any]]:
    """Others who share this contact's email or phone: found by the value, so it costs one look-up."""
    keys = _primary_values(contact)
    cases = DuplicateCase.objects.filter(
        value__in=list(keys.values()), kind__in=(*keys, Kind.EXTERNAL_ID), status=CaseStatus.OPEN
    )
    found = [case for case in cases if contact.pk in case.contact_ids and keys.get(case.kind) == case.value]
    others = {case.pk: [pk for pk in case.contact_ids if pk != contact.pk][:OTHERS_AT_MOST] for case in found}
    ids = {pk for named in others.values() for pk in named}
    names = {other.pk: str(other) for other in Contact.objects.filter(pk__in=ids)} if ids else {}
    return [
        {
            "case": case,
            "kind": word(KINDS, case.kind),
            "others": [(pk, names.get(pk, str(pk))) for pk in others[case.pk]],
        }
        for case in found
    ]
