"""The calls that senders make, in the words of the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.stories.story import Call
from tests.stories.wire import Wire

CHANNELS: Final = {"email": "email", "phone": "sms"}
ON_THE_WIRE: Final = {"external_id": "externalCustomerId", "first_name": "firstName", "last_name": "lastName"}
APP_LISTS: Final = ("subscriptionKeys", "groupNamesInclude", "groupNamesExclude")
OCCURRED: Final = "2026-05-14T10:11:10Z"


def server(method: str, path: str, body: Any = None) -> Call:
    """A call of another system."""

    def send(wire: Wire) -> None:
        wire.call(method, path, body)

    return Call(f"{method} {path} {body}", send)


def wire_contact(**columns: Any) -> dict[str, Any]:
    """A contact as it stands in calls, from what its columns are called with us."""
    channels = [
        {"type": kind, "value": columns[column]} for column, kind in CHANNELS.items() if columns.get(column) is not None
    ]
    body = {ON_THE_WIRE.get(column, column): value for column, value in columns.items() if column not in CHANNELS}
    return {**body, "channels": channels} if channels else body


def contact(**columns: Any) -> Call:
    return server("POST", "/api/v1/contact", wire_contact(**columns))


def contacts(*sent: Mapping[str, Any], **options: Any) -> Call:
    """A bulk call."""
    return server("POST", "/api/v1/contacts", {"contacts": [wire_contact(**one) for one in sent], **options})


def subscribe(groups: Sequence[str] = (), subscriptions: Sequence[str] = (), **columns: Any) -> Call:
    body = {"contact": wire_contact(**columns), "groups": groups, "subscriptions": subscriptions}
    return server("POST", "/api/v1/contact/subscribe", body)


def confirm(email: str) -> Call:
    """Whoever subscribed opens the link in the mail, which a mailer can ask for too, and presses its button."""

    def send(wire: Wire) -> None:
        [found] = wire.call("GET", f"/api/v1/contacts?email={email}")
        link = wire.call("GET", f"/api/v1/contact/{found['id']}/confirmation").get("confirmationLink")
        if link is not None:
            wire.open_link(link)

    return Call(f"{email} confirms", send)


def add_token(token: str, app: str = "shop", **whose: Any) -> Call:
    return server("POST", f"/api/v1/apps/{app}/tokens", {"tokens": [{"token": token, **whose}]})


def order(number: str, status: str, cost: float = 100, **whose: Any) -> Call:
    """``whose`` in the words of the wire: externalCustomerId, email, phone."""
    one = {"externalOrderId": number, "status": status, "totalCost": cost, "date": OCCURRED, "currency": "UAH"}

    def send(wire: Wire) -> None:
        answer = wire.call("POST", "/api/v1/orders", {"orders": [{**one, **whose}]})
        assert answer == {"failedOrders": []}, answer

    return Call(f"order {number} {status} of {whose}", send)


def event(type_: str, **params: Any) -> Call:
    """Among the parameters is whose it is."""
    listed = [{"name": name, "value": value} for name, value in params.items()]
    return server("POST", "/api/v2/event", {"eventTypeKey": type_, "params": listed})


def past_event(type_: str, **params: Any) -> Call:
    listed = [{"name": name, "value": value} for name, value in params.items()]
    one = {"eventTypeKey": type_, "keyValue": type_, "occurred": OCCURRED, "params": listed}

    def send(wire: Wire) -> None:
        answer = wire.call("POST", "/api/v2/past_events", {"events": [one]})
        assert answer["errorCount"] == 0, answer

    return Call(f"past event {type_} {params}", send)


def unsubscribe(email: str) -> Call:
    return server("POST", "/api/v1/emails/unsubscribed/add", {"emails": [email]})


def upload(*lines: str, **form: str) -> Call:
    """A CSV file."""

    def send(wire: Wire) -> None:
        wire.upload("".join(f"{line}\n" for line in lines), **form)

    return Call(f"file {lines}", send)


def work() -> Call:
    """The worker has a moment's time; in the end it has it anyway."""
    return Call("the worker works", Wire.settle)


# An app


def device(device_id: str, **what: Any) -> Call:
    return app_call("/api/v1/device", {"deviceId": device_id, **what})


def user(device_id: str, user_id: str | None = None, **body: Any) -> Call:
    """Who holds the device: attributes as they are on the wire, and lists of groups and subscriptions."""
    lists = {name: body.pop(name) for name in APP_LISTS if name in body}
    return app_call("/api/v1/user", {"deviceId": device_id, "externalUserId": user_id, "userAttributes": body, **lists})


def app_events(device_id: str, *types: str, user_id: str | None = None) -> Call:
    happened = [{"eventTypeKey": type_, "params": [{"name": "screen", "value": "home"}]} for type_ in types]
    return app_call("/api/v1/events", {"deviceId": device_id, "externalUserId": user_id, "events": happened})


def app_call(path: str, body: Any) -> Call:
    def send(wire: Wire) -> None:
        wire.call_from_app(path, body)

    return Call(f"app {path} {body}", send)


# A browser


def visit(cookie: str, *types: str) -> Call:
    """Events of the visitor with this cookie; page views where no other type is named."""
    happened = [{"eventTypeKey": type_, "params": {"url": "/"}} for type_ in types or ("pageView",)]
    return web_call("/api/v1/web/events", {"cookie": cookie, "events": happened})


def identify(cookie: str, **who: Any) -> Call:
    """Who the visitor is: email, phone, externalCustomerId, attributes."""
    return web_call("/api/v1/web/identify", {"cookie": cookie, **who})


def web_call(path: str, body: Any) -> Call:
    def send(wire: Wire) -> None:
        wire.call_from_page(path, body)

    return Call(f"page {path} {body}", send)
