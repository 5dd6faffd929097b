"""States of addresses and numbers: they belong to the value, and whoever gets the value gets the state (T12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from django.db import transaction

from contacts.identity import load
from contacts.identity.errors import AddressBlacklisted, NothingToConfirm, SuppressionRefused
from contacts.identity.frame import retried
from contacts.identity.settings import current_settings
from contacts.identity.world import CHANNEL_COLUMNS, PRIMARY_COLUMNS, World, primary_key_of
from contacts.identity.write import Cause, send_signals, write_world
from contacts.keys import Kind
from contacts.models import Contact, ContactState
from contacts.normalize import InvalidValue, clean_email
from contacts.phones import parse_phone
from contacts.records import Key

__all__ = ["confirm_email", "lift_suppressions", "suppress_addresses"]

ACTIVE: Final = 1
UNCONFIRMED: Final = 2
UNSUBSCRIBED: Final = 3
BLACKLISTED: Final = 5
PAGE: Final = 1_000


def suppress_addresses(
    values: Iterable[str], state: int, *, by: str, reason: str = "", at: datetime | None = None
) -> list[str]:
    """Unsubscribe, mark as bounced, or blacklist emails and phones, over all contacts that have them.

    ``state`` is a ``ChannelState`` from UNSUBSCRIBED on. A more restrictive state stays. Gives the values that are no
    address; the others are kept by keyed hash, which outlives the contacts.
    """
    if state < UNSUBSCRIBED:
        raise SuppressionRefused("Choose unsubscribed, bounced or blacklisted.")
    keys, unreadable = _keys_of(values)
    moment = at or datetime.now(UTC)

    def write(cursor: psycopg.Cursor[Any], batch: Sequence[Key]) -> None:
        rows = [(load.address_digest(key[2]), Kind(key[0]).slug, state, reason, moment, by) for key in batch]
        cursor.executemany(
            "INSERT INTO contacts_suppression AS s (digest, channel, state, reason, at, by)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (digest) DO UPDATE"
            " SET state = excluded.state, reason = excluded.reason, at = excluded.at, by = excluded.by"
            " WHERE s.state < excluded.state",
            rows,
        )

    _in_batches(keys, write, by=by, moment=moment)
    return unreadable


def lift_suppressions(values: Iterable[str], *, by: str, at: datetime | None = None) -> list[str]:
    """Make addresses usable again: a person may lift any state, anybody else all but *blacklisted*.

    Gives the values that are no address.
    """
    keys, unreadable = _keys_of(values)
    highest = BLACKLISTED if by.startswith("user:") else BLACKLISTED - 1

    def write(cursor: psycopg.Cursor[Any], batch: Sequence[Key]) -> None:
        cursor.execute(
            "DELETE FROM contacts_suppression WHERE digest = ANY(%s) AND state <= %s",
            ([load.address_digest(key[2]) for key in batch], highest),
        )

    _in_batches(keys, write, by=by, moment=at or datetime.now(UTC))
    return unreadable


def confirm_email(contact_id: int, email: str, *, by: str, at: datetime | None = None) -> None:
    """Whoever reads this address agrees to mail: the contact's email is confirmed (T11), and for whoever has it no
    longer unsubscribed or bounced (T12). Confirming again changes nothing.

    Raises ``NothingToConfirm`` where the contact is not there, or has another email by now, and
    ``AddressBlacklisted``, which only a person lifts.
    """
    key = primary_key_of(Kind.EMAIL, email)

    def run() -> None:
        with transaction.atomic():
            cursor = load.open_cursor()
            load.lock_values(cursor, [key])
            cursor.execute(
                "DELETE FROM contacts_suppression WHERE digest = %s AND state < %s",
                (load.address_digest(key[2]), BLACKLISTED),
            )
            settle_states(cursor, [key], by=by, moment=at or datetime.now(UTC), confirmed=contact_id)
            cursor.close()
            _check_confirmed(contact_id, key)

    retried(run)


def _check_confirmed(contact_id: int, key: Key) -> None:
    """Behind the lock of its value nobody takes the email away; if it was gone before, all is rolled back."""
    row = Contact.objects.filter(pk=contact_id, state=ContactState.ACTIVE).values_list("email", "email_state").first()
    if row is None or row[0] is None or primary_key_of(Kind.EMAIL, row[0]) != key:
        raise NothingToConfirm(contact_id=contact_id)
    if row[1] != ACTIVE:
        raise AddressBlacklisted(contact_id=contact_id)


def _keys_of(values: Iterable[str]) -> tuple[list[Key], list[str]]:
    keys: dict[Key, None] = {}
    unreadable = []
    country = current_settings().schema.country
    for value in values:
        text = value.strip()
        try:
            keys[primary_key_of(Kind.EMAIL, clean_email(text)[0])] = None
        except InvalidValue:
            number = parse_phone(text, country) if text else None
            if number is None:
                unreadable.append(value)
            else:
                keys[primary_key_of(Kind.PHONE, number)] = None
    return [(int(kind), app, value) for kind, app, value in keys], unreadable


def _in_batches(keys: Sequence[Key], write: Any, *, by: str, moment: datetime) -> None:
    for start in range(0, len(keys), PAGE):
        batch = keys[start : start + PAGE]

        def run(batch: Sequence[Key] = batch) -> None:
            with transaction.atomic():
                cursor = load.open_cursor()
                load.lock_values(cursor, batch)
                write(cursor, batch)
                settle_states(cursor, batch, by=by, moment=moment)
                cursor.close()

        retried(run)


def settle_states(
    cursor: psycopg.Cursor[Any],
    keys: Sequence[Key],
    *,
    by: str,
    moment: datetime,
    confirmed: int | None = None,
) -> None:
    """Every contact whose primary value is among ``keys`` gets the state that the list has now.

    That of the contact ``confirmed`` is no longer unconfirmed.
    """
    found = World(moment=moment, new_ids=iter(()))
    load.find(cursor, found, keys)
    cursor.execute(
        "SELECT DISTINCT contact_id FROM contacts_identifier i"
        " JOIN unnest(%s::smallint[], %s::text[]) AS k (kind, value) ON i.value = k.value AND i.kind = k.kind"
        " WHERE i.app = '' ORDER BY 1",
        (load.array_of(key[0] for key in keys), load.text_array(key[2] for key in keys)),
    )
    ids = [row[0] for row in cursor.fetchall()]
    named = set(keys)
    for start in range(0, len(ids), PAGE):
        world = World(moment=moment, new_ids=iter(()))
        load.load_rows(cursor, world, ids[start : start + PAGE], lock=True)
        for contact in list(world.rows.values()):
            world.begin()
            for kind in (Kind.EMAIL, Kind.PHONE):
                key = world.primary_key(contact, kind)
                if key in named:
                    name = CHANNEL_COLUMNS[PRIMARY_COLUMNS[kind]]
                    lifted = UNCONFIRMED if contact.id == confirmed else UNSUBSCRIBED
                    state, reason = found.suppressed.get(key, (_lift(contact[name], lifted), None))
                    if world.set_value(contact, name, state):
                        world.set_value(contact, f"{name}_reason", reason or None)
                        world.set_value(contact, f"{name}_at", moment)
        write_world(cursor, world, Cause(by, ""), together=False)
        send_signals(world)


def _lift(state: int | None, lowest: int) -> int | None:
    return ACTIVE if state is not None and state >= lowest else state
