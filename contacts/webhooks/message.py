"""What is sent: the changes of a batch, with the values that their contacts have at this moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from contacts.columns import CUSTOM_PREFIX, SYSTEM_COLUMNS
from contacts.models import ChannelState, Contact, ContactState
from contacts.webhooks.sources import Happening

__all__ = ["MOST_BYTES", "Message", "build_message", "concerns"]

MOST_BYTES: Final = 1_000_000
COLUMNS: Final = {column.key: column for column in SYSTEM_COLUMNS if column.read}
STATES: Final[Mapping[str, Any]] = {"channel_state": ChannelState, "state": ContactState}
ALWAYS_CHANGED: Final = "updated_at"


class Message(NamedTuple):
    """The body of a request, and how many of the happenings it has ``held``: the others do not fit."""

    body: bytes
    held: int


def concerns(happening: Happening, *, kinds: Collection[str], columns: Collection[str]) -> bool:
    """Whether a target that chose these kinds and columns is told of this."""
    if happening.kind not in kinds:
        return False
    if happening.changed is None or not columns or ALWAYS_CHANGED in columns:
        return True
    return not happening.changed.isdisjoint(columns)


def build_message(
    happenings: Sequence[Happening], *, source: str, columns: Sequence[str], head: Mapping[str, Any]
) -> Message:
    """As many of the happenings as fit into a request, at least one."""
    contacts = Contact.objects.in_bulk({happening.contact_id for happening in happenings}) if columns else {}
    changes: list[bytes] = []
    room = MOST_BYTES
    for happening in happenings:
        values = _values_of(contacts.get(happening.contact_id), columns)
        change = orjson.dumps(_describe(happening, source, columns, values))
        room -= len(change) + 1
        if changes and room < 0:
            break
        changes.append(change)
    body = orjson.dumps({**head, "changes": [orjson.Fragment(change) for change in changes]})
    return Message(body, len(changes))


def _describe(
    happening: Happening, source: str, columns: Sequence[str], values: Mapping[str, Any] | None
) -> dict[str, Any]:
    described = {
        "id": f"{source}:{happening.number}",
        "kind": happening.kind,
        "at": _show(happening.at),
        "by": happening.by,
        "contact_id": happening.contact_id,
        **happening.details,
    }
    if happening.changed is not None:
        described["changed"] = sorted(_told(happening.changed, columns))
    if columns:
        described["contact"] = values
    return described


def _told(changed: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Of the columns that changed those that the target chose; all that have a name outside, where it chose none."""
    if columns:
        return [column for column in changed if column in columns]
    return [column for column in changed if column in COLUMNS or column.startswith(CUSTOM_PREFIX)]


def _values_of(contact: Contact | None, columns: Sequence[str]) -> dict[str, Any] | None:
    """The chosen columns by key; None where nothing is left of the contact."""
    if contact is None or contact.state == ContactState.ERASED:
        return None
    return {column: _value_of(contact, column) for column in columns}


def _value_of(contact: Contact, column: str) -> Any:
    if column.startswith(CUSTOM_PREFIX):
        return contact.attributes.get(column.removeprefix(CUSTOM_PREFIX))
    described = COLUMNS.get(column)
    value = getattr(contact, column) if described is not None else None
    states = STATES.get(described.type) if described is not None else None
    if states is not None and value is not None:
        return states(value).name.lower()
    return _show(value) if isinstance(value, datetime) else value


def _show(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
