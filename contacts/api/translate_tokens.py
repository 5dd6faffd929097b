"""From tokens on the wire to raw records, and back (pure but for the language)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.api.translate import CHANGEABLE_CHANNELS
from contacts.keys import Kind
from contacts.records import Problem
from contacts.wire import WireContact, is_empty, read_text

__all__ = ["MAX_APP", "read_active", "read_added_token", "read_duration", "read_named_token", "show_active"]

MAX_APP: Final = 100
SHORTEST_MUTE: Final = 5
LONGEST_MUTE: Final = 31_536_000
OWNER: Final = {
    "id": "contactId",
    "external_id": "externalCustomerId",
    "phone": "phone",
    "email": "email",
}
YES: Final = frozenset({"true", "1", "yes"})
NO: Final = frozenset({"false", "0", "no"})


def read_added_token(body: Any, app: str, kinds: Mapping[str, Kind], path: str) -> WireContact:
    """A token with whose it is. ``kinds`` are those of known tokens; a new one is a push token unless it says more."""
    wire = WireContact(paths={column: f"{path}.{name}" for column, name in OWNER.items()})
    wire.paths |= {"token": f"{path}.token", "identifiers[0]": f"{path}.token", "identifiers[0].value": f"{path}.token"}
    if not isinstance(body, Mapping):
        wire.refuse(path, "not_an_object", _("Send “tokens” as a list of objects."))
        return wire
    token, problems = read_named_token(body, f"{path}.")
    wire.problems += problems
    kind = kinds.get(token, Kind.MOBILE_PUSH)
    if not is_empty(body.get("type")):
        kind = CHANGEABLE_CHANNELS.get(str(body["type"]).strip().lower(), Kind.ADVERTISING)
    if kind == Kind.ADVERTISING:
        types = ", ".join(CHANGEABLE_CHANNELS)
        wire.refuse(f"{path}.type", "unknown_channel", _("The type is one of: %(types)s.") % {"types": types})
    wire.record = {column: body[name] for column, name in OWNER.items() if name in body}
    wire.record["identifiers"] = [{"kind": kind.slug, "app": app, "value": token}]
    return wire


def read_named_token(body: Any, path: str = "") -> tuple[str, list[Problem]]:
    """The text of the property ``token``, and what is wrong with it."""
    text = read_text(body.get("token")) if isinstance(body, Mapping) else ""
    if not isinstance(text, str):
        return "", [Problem(f"{path}token", "not_text", _("Write this value as text."))]
    return text, [] if text else [Problem(f"{path}token", "required", _("Say which token."))]


def read_duration(body: Any) -> tuple[int, list[Problem]]:
    """In seconds; 0 for ever."""
    given = body.get("duration") if isinstance(body, Mapping) else None
    if is_empty(given):
        return 0, []
    text = read_text(given)
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= len(str(LONGEST_MUTE)):
        seconds = int(text)
        if SHORTEST_MUTE <= seconds <= LONGEST_MUTE:
            return seconds, []
    message = _("The duration is a whole number of seconds, from %(least)d to %(most)d.")
    bounds = {"least": SHORTEST_MUTE, "most": LONGEST_MUTE}
    return 0, [Problem("duration", "invalid_duration", message % bounds)]


def read_active(body: Any) -> bool | None:
    """None for what is neither yes nor no."""
    text = str(body.get("active")).strip().lower() if isinstance(body, Mapping) else ""
    return text in YES if text in YES | NO else None


def show_active(details: Mapping[str, Any]) -> bool:
    """A token of which nobody said otherwise is active."""
    return str(details.get("active", True)).strip().lower() not in NO
