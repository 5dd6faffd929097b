"""A contact's timeline in the words of people: one sentence an entry, and what can be folded out below it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.activity import TimelineEntry
from contacts.admin.actors import Actor
from contacts.admin.journal import Line, read_lines
from contacts.admin.wording import SOURCES, link_contact, word
from contacts.models import ChangeKind, OrderStatus

__all__ = ["ICONS", "KIND_LABELS", "Day", "Item", "Told", "group_by_day", "humanise", "show_money", "tell"]

KIND_LABELS: Final[dict[str, Any]] = {
    "event": gettext_lazy("Events"),
    "visit": gettext_lazy("Web visits"),
    "order": gettext_lazy("Orders"),
    "edit": gettext_lazy("Edits"),
    "import": gettext_lazy("Imports"),
    "merge": gettext_lazy("Merges"),
}
ICONS: Final = {
    "event": "bolt",
    "visit": "language",
    "order": "shopping_bag",
    "edit": "edit",
    "import": "upload_file",
    "merge": "call_merge",
}
TELLING: Final = ("page", "url", "path", "product", "name", "title", "item", "query", "search", "category")
"""The parameters that say most of an event, the best first."""
NAMED_AT_MOST: Final = 3
ITEMS_AT_MOST: Final = 50
LONGEST: Final = 300
SILENT: Final = frozenset({"merged_into_id", "made_deliberately", "email_state_at", "phone_state_at"})
"""Columns whose change is said by the sentence, or by when it happened."""

CHANGES: Final[dict[str, Any]] = {
    ChangeKind.CREATED: gettext_lazy("Added"),
    ChangeKind.DELETED: gettext_lazy("Deleted"),
    ChangeKind.RESTORED: gettext_lazy("Restored"),
    ChangeKind.UNMERGED: gettext_lazy("A merge was undone"),
    ChangeKind.UNDONE: gettext_lazy("An import was taken back"),
    ChangeKind.DETACHED: gettext_lazy("An identifier was detached"),
    ChangeKind.TAKEN_BACK: gettext_lazy("A change was taken back"),
}
PARTNERS: Final[tuple[tuple[str, Any], ...]] = (
    ("loser", gettext_lazy("Contact {contact} was merged into this one")),
    ("survivor", gettext_lazy("Merged into contact {contact}")),
    ("migrated_to", gettext_lazy("An identifier went to contact {contact}")),
    ("migrated_from", gettext_lazy("An identifier came from contact {contact}")),
)
"""What the details of a change name the other contact, and how that is said."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order."""

    name: str
    quantity: str
    cost: str


@dataclass(frozen=True, slots=True)
class Told:
    """One entry in words. ``hint`` says by whom or from where; ``folded`` what the rest is called, where there is any:
    ``facts`` (label, value), ``lines`` (old and new), ``items``."""

    kind: str
    label: str
    icon: str
    at: datetime
    text: str | SafeString
    hint: str | SafeString = ""
    folded: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day; ``title`` is empty where the page before has begun it."""

    title: str
    entries: list[Told]


def tell(
    entries: Sequence[TimelineEntry], *, contact_id: int, labels: Mapping[str, str], actors: Mapping[str, Actor]
) -> list[Told]:
    """The entries in words. ``labels`` names the custom columns, ``actors`` whoever changed something.

    That an order began is told once: by the order itself, not again by the event of its first status; that a contact
    was merged into this one by this one.
    """
    began = {(entry.at, entry.title) for entry in entries if entry.table == "order"}
    shown = [
        entry
        for entry in entries
        if not (entry.table == "event" and entry.kind == "order" and (entry.at, entry.data.get("key")) in began)
        and not (entry.title == ChangeKind.MERGED and entry.contact_id != contact_id)
    ]
    tellers: dict[str, Callable[[TimelineEntry], dict[str, Any]]] = {
        "event": _tell_event,
        "order": _tell_order,
        "change": lambda entry: _tell_change(entry, contact_id, labels, actors),
    }
    return [
        Told(
            kind=entry.kind,
            label=str(KIND_LABELS[entry.kind]),
            icon=ICONS[entry.kind],
            at=entry.at,
            **tellers[entry.table](entry),
        )
        for entry in shown
    ]


def group_by_day(told: Iterable[Told], *, after: datetime | None = None) -> list[Day]:
    """The entries by the day of the reader's time zone; ``after`` is when the page before ended."""
    days: list[Day] = []
    current = timezone.localdate(after) if after else None
    for one in told:
        day = timezone.localdate(one.at)
        if not days or day != current:
            days.append(Day("" if day == current else name_day(day), []))
        current = day
        days[-1].entries.append(one)
    return days


def name_day(day: date) -> str:
    """Today and yesterday by these words."""
    ago = (timezone.localdate() - day).days
    if ago in (0, 1):
        return _("Yesterday") if ago else _("Today")
    return date_format(day, "DATE_FORMAT")


# Events


def _tell_event(entry: TimelineEntry) -> dict[str, Any]:
    data, params = entry.data, dict(entry.data.get("params") or {})
    if entry.kind == "order" and params.get("status") in OrderStatus.values:
        return _tell_status(params)
    key = next((key for key in TELLING if _is_plain(params.get(key))), "")
    main = show_plain(params.pop(key)) if key else ""
    facts = [(humanise(name), show_plain(value)) for name, value in params.items()]
    if data.get("key"):
        facts.append((_("Name given by the sender"), str(data["key"])))
    return {
        "text": format_html("<b>{}</b> {}", data.get("type_name") or humanise(entry.title), main),
        "hint": word(SOURCES, data["source"]) if data["source"] not in ("", "web", "event") else "",
        "facts": facts,
        "folded": _count_parameters(len(facts)) if facts else "",
    }


def _tell_status(params: Mapping[str, Any]) -> dict[str, Any]:
    text = _("Order {number} is now: {status}")
    status = OrderStatus(params["status"]).label
    return {"text": format_html(text, number=format_html("<b>{}</b>", params.get("externalOrderId")), status=status)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _count_parameters(count: int) -> str:
    return ngettext("%(count)d parameter", "%(count)d parameters", count) % {"count": count}


def show_plain(value: Any) -> str:
    """A value from outside, as short text."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def humanise(name: str) -> str:
    """``externalItemId`` and ``external_item_id`` as people write it."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").split()
    return capfirst(" ".join(word if word.isupper() else word.lower() for word in words)) or name


# Orders


def _tell_order(entry: TimelineEntry) -> dict[str, Any]:
    data = entry.data
    raw = [item for item in data.get("items") or [] if isinstance(item, dict)]
    facts = [(humanise(name), show_plain(value)) for name, value in (data.get("details") or {}).items()]
    return {
        "text": format_html(
            "{} · {} · <b>{}</b>",
            format_html(_("Order {number}"), number=format_html("<b>{}</b>", entry.title)),
            OrderStatus(data["status"]).label,
            show_money(Decimal(data["total_cost"]), data["currency"]),
        ),
        "hint": data["source"],
        "items": [_read_item(item, data["currency"]) for item in raw[:ITEMS_AT_MOST]],
        "facts": facts,
        "folded": _name_parts(len(raw), len(facts)),
    }


def _name_parts(items: int, details: int) -> str:
    if items:
        return ngettext("%(count)d item", "%(count)d items", items) % {"count": items}
    return _("Details") if details else ""


def _read_item(item: Mapping[str, Any], currency: str) -> Item:
    cost = _as_number(item.get("cost"))
    return Item(
        name=show_plain(item.get("name") or item.get("externalItemId")),
        quantity=show_plain(item.get("quantity")),
        cost=show_money(cost, currency) if cost is not None else "—",
    )


def _as_number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def show_money(amount: Decimal, currency: str) -> str:
    """An amount in the reader's writing, with its currency."""
    return f"{number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)} {currency}"


# Changes


def _tell_change(
    entry: TimelineEntry, contact_id: int, labels: Mapping[str, str], actors: Mapping[str, Actor]
) -> dict[str, Any]:
    data = entry.data
    lines = read_lines(_spoken(data.get("before") or {}), _spoken(data.get("after") or {}), labels)
    said = _say_partner(data.get("details") or {}) or CHANGES.get(entry.title)
    text, lines = (said, lines) if said else _say_fields(entry.title, lines)
    hint = _name_actor(data, actors)
    if entry.contact_id != contact_id:
        hint = format_html(
            "{} · {}", hint, format_html(_("at contact {contact}, merged into this one"), contact=entry.contact_id)
        )
    return {
        "text": text,
        "hint": hint,
        "lines": lines,
        "folded": ngettext("%(count)d field", "%(count)d fields", len(lines)) % {"count": len(lines)} if lines else "",
    }


def _spoken(side: Mapping[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in side.items() if column not in SILENT}


def _say_partner(details: Mapping[str, Any]) -> SafeString | None:
    """What happened between two contacts, with a link to the other one."""
    for key, text in PARTNERS:
        found = details.get(key)
        number = found[0] if isinstance(found, list) and found else found
        if isinstance(number, int):
            return format_html(text, contact=link_contact(number))
    return None


def _say_fields(kind: str, lines: list[Line]) -> tuple[str | SafeString, list[Line]]:
    """One field is told at once; of several their names, and the rest is folded away."""
    if len(lines) == 1:
        [line] = lines
        return format_html("<b>{}</b>: {} → {}", line.label, line.before, line.after), []
    if not lines:
        return capfirst(word(dict(ChangeKind.choices), kind)), []
    names = ", ".join(line.label for line in lines[:NAMED_AT_MOST])
    more = len(lines) - NAMED_AT_MOST
    if more > 0:
        return _("Changed {fields} and {count} more").format(fields=names, count=more), lines
    return _("Changed {fields}").format(fields=names), lines


def _name_actor(data: Mapping[str, Any], actors: Mapping[str, Actor]) -> str | SafeString:
    actor = actors.get(data["by"]) or Actor(data["by"])
    return format_html('<a href="{}">{}</a>', actor.link, actor.label) if actor.link else actor.label
