"""Which apps and devices were seen lately: a sample for the page of apps, which costs the doors next to nothing.

Of a device only whose it is is kept, so that nothing is left here of somebody who was erased.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from contacts.models import App, SeenApp

__all__ = ["DEVICES_KEPT", "forget_what_was_noted", "list_unregistered", "note_app", "note_seen_device"]

DEVICES_KEPT: Final = 50
"""Of each app."""
APPS_KEPT: Final = 200
SHOWN_AT_MOST: Final = 50
NOTED_EVERY: Final = 5.0
"""Seconds between two devices of an app that this process notes."""
APP_NOTED_EVERY: Final = 600.0
MOST_REMEMBERED: Final = 1_000
_noted: dict[object, float] = {}
"""When this process noted something last, on the monotonic clock."""

# What is older than the newest ones goes in the same statement.
_NOTE_DEVICE: Final = """
WITH old AS (
    DELETE FROM contacts_seendevice WHERE id IN (
        SELECT id FROM contacts_seendevice WHERE app_id = %(app)s ORDER BY seen_at DESC OFFSET %(kept)s
    )
)
INSERT INTO contacts_seendevice (app_id, contact_id, seen_at) VALUES (%(app)s, %(contact)s, %(at)s)
ON CONFLICT (app_id, contact_id) DO UPDATE SET seen_at = excluded.seen_at
"""
_NOTE_APP: Final = """
INSERT INTO contacts_seenapp (app_id, first_seen_at, last_seen_at)
SELECT %(app)s, %(at)s, %(at)s
WHERE NOT EXISTS (SELECT FROM contacts_app WHERE app_id = %(app)s)
  AND ((SELECT count(*) FROM contacts_seenapp) < %(kept)s
       OR EXISTS (SELECT FROM contacts_seenapp WHERE app_id = %(app)s))
ON CONFLICT (app_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
"""


def note_seen_device(app: App, contact_id: int) -> None:
    """A device of this app was seen on that contact: one every few seconds is noted."""
    if not _is_due(("device", app.pk), NOTED_EVERY):
        return
    names: dict[str, Any] = {"app": app.pk, "contact": contact_id, "at": datetime.now(UTC), "kept": DEVICES_KEPT - 1}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_DEVICE, names)


def note_app(app_id: str) -> None:
    """A server's call named this app; one that nobody registered is listed, the first 200 of them."""
    app_id = app_id.strip()
    if not app_id or not _is_due(("app", app_id), APP_NOTED_EVERY):
        return
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_APP, {"app": app_id, "at": datetime.now(UTC), "kept": APPS_KEPT})


def list_unregistered() -> list[SeenApp]:
    """Those that calls named and that are in no list, the ones seen last first."""
    registered = App.objects.values("app_id")
    return list(SeenApp.objects.exclude(app_id__in=registered).order_by("-last_seen_at")[:SHOWN_AT_MOST])


def forget_what_was_noted() -> None:
    _noted.clear()


def _is_due(what: object, seconds: float) -> bool:
    now = time.monotonic()
    if now - _noted.get(what, -seconds) < seconds:
        return False
    if len(_noted) >= MOST_REMEMBERED:
        _noted.clear()
    _noted[what] = now
    return True
