"""Orders and events: recorded, each on the contact that the identity rules find for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any, Final, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, MethodNotAllowed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.activity import EventOutcome, OrderOutcome, OrderStatus, record_events, record_orders
from contacts.api import schema_activity as schema
from contacts.api.reading_tokens import find_push_tokens
from contacts.api.refusals import check_readable, refused
from contacts.api.translate_activity import WireEvent, WireOrder, problems_of, read_event, read_order
from contacts.api.views import name_of_caller
from contacts.keys import Kind
from contacts.models import read_account_zone
from contacts.records import Problem
from contacts.wire import is_empty, read_moment
from crm.api.errors import STATUS_BY_CODE, NotFound, describe
from crm.api.views import EVENT_BODY_BYTES, ApiView

__all__ = ["EventV2View", "EventView", "OrdersView", "PastEventsV2View", "PastEventsView"]

MOST_ORDERS: Final = 1_000
MOST_PAST_EVENTS: Final = 500
CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""By so much the sender's clock may go before ours."""
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
ACCEPTED: Final = "ACCEPTED"


class OrdersView(ApiView):
    """``/v1/orders``: each for itself; one that fails keeps no other back."""

    area = "events"

    @schema.add_orders
    def post(self, request: Request) -> Response:
        sent = read_list(request.data, "orders", most=MOST_ORDERS)
        zone = cache(read_account_zone)  # read when the first time without a zone comes
        wires = [read_order(body, zone) for body in sent]
        outcomes = iter(record_orders([wire.order for wire in wires if wire.order], by=name_of_caller(request)))
        errors = [error_of_order(wire, next(outcomes) if wire.order else None) for wire in wires]
        failed = [{"order": body, "error": error} for body, error in zip(sent, errors, strict=True) if error]
        self.about = None if failed else []
        return Response({"failedOrders": failed})


@schema.describe_event(1)
class EventView(ApiView):
    """``/v1/event``: one event, now."""

    area = "events"
    rate = "events"
    most_body_bytes = EVENT_BODY_BYTES

    def post(self, request: Request) -> Response:
        wire = read_event(request.data)
        check_readable(wire.contact)
        name_tokens([wire])
        [outcome] = record_events([wire.event], by=name_of_caller(request))
        self.about = []
        return Response() if outcome.is_accepted else refuse_event(wire, outcome)


@schema.describe_event(2)
class EventV2View(EventView):
    """``/v2/event``: the same; the values of version 1 may be nested too."""


@schema.describe_past_events(1)
class PastEventsView(ApiView):
    """``/v1/past_events``: many events, each with the time that it occurred."""

    area = "events"
    rate = "events"

    def post(self, request: Request) -> Response:
        sent = read_list(request.data, "events", most=MOST_PAST_EVENTS)
        zone, now = cache(read_account_zone), datetime.now(UTC)
        wires = [read_event(body) for body in sent]
        results = [read_occurred(wire, body, zone, now) for wire, body in zip(wires, sent, strict=True)]
        good = [wire for wire, result in zip(wires, results, strict=True) if result is None]
        name_tokens(good)
        outcomes = iter(record_events([wire.event for wire in good], by=name_of_caller(request), at=now))
        told = [result or show_outcome(wire, next(outcomes)) for wire, result in zip(wires, results, strict=True)]
        self.about = []
        accepted = sum(result["status"] == ACCEPTED for result in told)
        return Response({"results": told, "successCount": accepted, "errorCount": len(told) - accepted})

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        """Deleting is not offered: as an address that is not there."""
        if request.method == "DELETE":
            raise NotFound
        raise MethodNotAllowed(request.method or "")


@schema.describe_past_events(2)
class PastEventsV2View(PastEventsView):
    """``/v2/past_events``."""


# Reading


def read_list(body: Any, name: str, *, most: int) -> list[Any]:
    """The list of a body; bare, or one object, it counts too."""
    given = body.get(name) if isinstance(body, Mapping) else body
    if is_empty(given):
        raise refused_list(name, "required", _("Send a list of “%(name)s”.") % {"name": name})
    items = given if isinstance(given, list) else [given]
    if len(items) > most:
        message = _("Send at most %(most)d at a time; these are %(count)d.")
        raise refused_list(name, "too_many", message % {"most": most, "count": len(items)})
    return items


def refused_list(name: str, code: str, message: str) -> ValidationError:
    detail: dict[str, Any] = {name: [ErrorDetail(message, code)]}
    return ValidationError(detail)


def read_occurred(wire: WireEvent, body: Any, zone: Callable[[], tzinfo], now: datetime) -> dict[str, str] | None:
    """Takes the time of a past event; the result of one that has none, or that cannot be read at all."""
    if wire.contact.problems:
        return show_problems(wire.contact.problems)
    if is_empty(body.get("occurred")):
        return {"status": "OCCURRED_DATE_IS_REQUIRED"}
    wire.occurred_at = read_moment(body["occurred"], zone)
    if wire.occurred_at is None:
        return {"status": "INCORRECT_OCCURRED_DATE_FORMAT"}
    if wire.occurred_at > now + CLOCKS_DIFFER:
        return {"status": "OCCURRED_TIME_IN_FUTURE"}
    return {"status": "OCCURRED_TIME_TOO_DEPTH"} if wire.occurred_at < LONG_AGO else None


def name_tokens(wires: Sequence[WireEvent]) -> None:
    """An event names a token and not its app: it is the one that somebody has, else one of no app."""
    texts = {id(wire): str(wire.push_token).strip() for wire in wires if isinstance(wire.push_token, str | int)}
    known = find_push_tokens(set(texts.values()))
    for wire in wires:
        if wire.push_token is not None:
            token = known.get(texts.get(id(wire), ""))
            kind, app = (token.kind, token.app) if token else (Kind.MOBILE_PUSH, "")
            wire.contact.record["identifiers"] = [{"kind": kind.slug, "app": app, "value": wire.push_token}]


# Telling


def error_of_order(wire: WireOrder, outcome: OrderOutcome | None) -> str:
    """Why an order failed, in a line; empty if it did not."""
    if outcome is None:
        return tell(wire.contact.problems)
    if outcome.status != OrderStatus.FAILED:
        return ""
    problems = outcome.identity.problems if outcome.identity else ()
    located = problems_of(wire.contact, outcome.column, outcome.code, outcome.message, problems)
    return tell(located) or outcome.message


def refuse_event(wire: WireEvent, outcome: EventOutcome) -> Response:
    """A single event that found nobody is refused as one that names nobody is (L17), not as an unknown address."""
    problems = problems_of_event(wire, outcome)
    if outcome.identity is None or outcome.identity.problems:
        raise refused(problems)
    status = 400 if outcome.code == "contact_not_found" else STATUS_BY_CODE.get(outcome.code, 400)
    entries = [{"path": path, "code": code, "message": message} for path, code, message in problems]
    return Response(describe(status, outcome.code, outcome.message, entries), status=status)


def show_outcome(wire: WireEvent, outcome: EventOutcome) -> dict[str, str]:
    if outcome.is_accepted:
        return {"status": ACCEPTED}
    problems = problems_of_event(wire, outcome)
    return show_problems(problems or [Problem("", outcome.code, outcome.message)])


def problems_of_event(wire: WireEvent, outcome: EventOutcome) -> list[Problem]:
    problems = outcome.identity.problems if outcome.identity else ()
    return problems_of(wire.contact, outcome.column, outcome.code, outcome.message, problems)


def show_problems(problems: Sequence[Problem]) -> dict[str, str]:
    return {"status": problems[0].code.upper(), "message": tell(problems)}


def tell(problems: Sequence[Problem]) -> str:
    return " ".join(f"{path}: {message}" if path else message for path, _code, message in problems)
