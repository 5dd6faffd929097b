"""The columns of the contact list: any that can be read, custom ones too, in the order that somebody likes.

All but one stand on the contact's own row, so that they cost no statement; what contacts bought is read once a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.activity import read_revenues
from contacts.admin.channel_signs import show_channels
from contacts.admin.journal import show_moment, show_value
from contacts.admin.telling import show_money
from contacts.admin.wording import SOURCES, show_channel, word
from contacts.columns import Column
from contacts.identity.settings import current_settings
from contacts.models import Contact

__all__ = [
    "AT_MOST",
    "USUAL",
    "ShownColumn",
    "known_columns",
    "label_of",
    "offered_columns",
    "prepare_columns",
    "registered_columns",
    "show_columns",
]

USUAL: Final = ("channels", "email_or_phone", "external_id", "updated_at")
AT_MOST: Final = 15
"""More columns fit on no screen."""
LONGEST: Final = 80
COMBINED: Final = (
    Column("channels", "channels", gettext_noop("Channels"), write=False),
    Column("email_or_phone", "text", gettext_noop("Email or phone"), write=False),
    Column("bought", "money", gettext_noop("Bought"), write=False),
)
"""Columns of the list alone: made of several that the registry has, or of what hangs from the contact."""
MADE_OF: Final[dict[str, tuple[str, ...]]] = {
    "channels": ("email_state", "phone_state"),
    "email_or_phone": ("email", "phone"),
    "bought": (),
}
NAME: Final = ("first_name", "last_name")
NAMES: Final[dict[str, str]] = {
    "email": "email_shown",
    "phone": "phone_shown",
    "email_or_phone": "address",
    "external_id": "external_id_shown",
    "source": "source_shown",
    "updated_at": "changed",
}
"""What a column's cells are called in the page, for those that have a place of their own in the style sheet."""


def offered_columns() -> dict[str, Column]:
    """Columns that can be shown, by key; the name is there in any case."""
    registered = current_settings().schema.columns.values()
    return {column.key: column for column in (*COMBINED, *registered) if column.read}


def known_columns(keys: Iterable[Any]) -> list[str]:
    """Those of the keys that still are columns, each once; the usual ones where none is left."""
    offered = offered_columns()
    found = [key for key in dict.fromkeys(keys) if isinstance(key, str) and key in offered]
    return found[:AT_MOST] or list(USUAL)


def registered_columns(keys: Sequence[str]) -> list[str]:
    """What the registry has of these columns and the name before them, for a file."""
    found = [part for key in keys for part in MADE_OF.get(key, (key,))]
    return list(dict.fromkeys([*NAME, *found]))


def show_columns(keys: Sequence[str]) -> list[ShownColumn]:
    """What the list takes for its columns."""
    offered = offered_columns()
    return [ShownColumn(offered[key]) for key in keys if key in offered]


def prepare_columns(shown: Iterable[Any], contacts: Sequence[Contact]) -> None:
    """Read for all rows of a page what its columns show beside them; ``shown`` is what the list has for columns."""
    if any(isinstance(column, ShownColumn) and column.column.key == "bought" for column in shown):
        bought = read_revenues([contact.pk for contact in contacts])
        for contact in contacts:
            contact.bought = bought.get(contact.pk, [])  # type: ignore[attr-defined]


def label_of(column: Column) -> str:
    return column.label if column.is_custom else _(column.label)


class ShownColumn:
    """One column of the list, as Django's list wants it: called with a contact, and described."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.__name__ = NAMES.get(column.key, column.key.replace(".", "_"))
        self.short_description = label_of(column)
        self.show = SHOWN.get(column.key, self.show_any)

    def __call__(self, contact: Contact) -> str | SafeString:
        return self.show(contact)

    def show_any(self, contact: Contact) -> str | SafeString:
        key = self.column.key
        value = contact.attributes.get(self.column.custom_key) if self.column.is_custom else getattr(contact, key)
        if isinstance(value, datetime):
            return show_moment(value)
        shown = show_value(key, value)
        is_long = not isinstance(shown, SafeString) and len(shown) > LONGEST
        return shown[: LONGEST - 1] + "…" if is_long else shown


def show_address(contact: Contact) -> str:
    return contact.email or contact.phone or "—"


def show_email(contact: Contact) -> str | SafeString:
    return show_channel(contact.email, contact.email_state)


def show_phone(contact: Contact) -> str | SafeString:
    return show_channel(contact.phone, contact.phone_state)


def show_bought(contact: Contact) -> str:
    """By currency; of a page whose columns were prepared."""
    sums = [show_money(revenue.amount, revenue.currency) for revenue in getattr(contact, "bought", ())]
    return ", ".join(sums) or "—"


def show_source(contact: Contact) -> str:
    return word(SOURCES, contact.source)


def show_id(contact: Contact) -> str:
    """Ids are never written as numbers of a locale."""
    return str(contact.pk)


SHOWN: Final[dict[str, Callable[[Contact], str | SafeString]]] = {
    "channels": show_channels,
    "email_or_phone": show_address,
    "email": show_email,
    "phone": show_phone,
    "source": show_source,
    "bought": show_bought,
    "id": show_id,
}
