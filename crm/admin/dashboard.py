"""The first page after signing in: panels, each registered by the room that knows what it shows.

A panel reads what is kept and what is few, never all contacts: figures that cost more are a job's work. It is shown to
whom its room lets see it, and read only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.waiting import Waiting, list_waiting, sees_what_waits

__all__ = ["Panel", "Shown", "add_panels", "may", "register", "remembered"]

Read = TypeVar("Read")
PERIODS: Final = (30, 90, 365)
"""Days that the charts go back."""


@dataclass(frozen=True, slots=True)
class Panel:
    """``read`` gives the template its context, or None where there is nothing to show at present.

    ``width`` is the room that it takes in a row: a third, a half or all of it. ``is_bare``: the template brings its own
    frame.
    """

    name: str
    title: Any
    order: int
    template: str
    read: Callable[[HttpRequest], Mapping[str, Any] | None]
    may_see: Callable[[HttpRequest], bool]
    width: str = "half"
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel and what it shows to this reader."""

    panel: Panel
    context: Mapping[str, Any]


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Once a name."""
    _panels[panel.name] = panel


def may(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Whoever has one of these permissions."""

    def may_see(request: HttpRequest) -> bool:
        return any(request.user.has_perm(permission) for permission in permissions)

    return may_see


def remembered(request: HttpRequest, read: Callable[[], Read]) -> Read:
    """What ``read`` gives, read once for all panels of a page."""
    kept: dict[Callable[[], Any], Any] = request.__dict__.setdefault("dashboard_read", {})
    if read not in kept:
        kept[read] = read()
    return kept[read]


def chosen_period(request: HttpRequest) -> int:
    """How many days the charts go back; an address may ask for another period."""
    asked = request.GET.get("days")
    return next((days for days in PERIODS if str(days) == asked), PERIODS[1])


def add_panels(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What unfold asks for before it shows the first page."""
    period = chosen_period(request)
    shown = list_panels(request)
    return context | {
        "title": _("Dashboard"),
        "panels": shown,
        "periods": PERIODS,
        "period": period,
        "is_live": any(one.context.get("is_live") for one in shown),
    }


def list_panels(request: HttpRequest) -> list[Shown]:
    visible = (panel for panel in sorted(_panels.values(), key=lambda panel: panel.order) if panel.may_see(request))
    read = ((panel, panel.read(request)) for panel in visible)
    return [Shown(panel, context) for panel, context in read if context is not None]


# What waits for somebody


def read_waiting(request: HttpRequest) -> Mapping[str, Any]:
    return {"items": [show_waiting(one, count) for one, count in list_waiting(request)]}


def show_waiting(one: Waiting, count: int) -> Mapping[str, Any]:
    return {
        "text": one.says(count),
        "advice": one.advice,
        "link": one.link(),
        "is_trouble": one.is_trouble,
    }


register(
    Panel(
        name="waiting",
        title=gettext_lazy("Waiting for you"),
        order=10,
        template="crm/panel_waiting.html",
        read=read_waiting,
        may_see=sees_what_waits,
        width="third",
    )
)
