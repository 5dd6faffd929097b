"""Who is to be asked by mail whether the email is theirs: written down with the rows of an import, mailed later.

What is written here are wishes; the mails are sent by ``contacts.subscribing``, once the import is finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Q

from contacts.activity.rows import insert_rows
from contacts.identity.load import address_digest, open_cursor
from contacts.models import ChannelState, Confirmation, ConfirmationStatus, Contact, ContactState
from contacts.normalize import clean_email

__all__ = ["COUNTED_AT_MOST", "ask_for_confirmations", "count_confirmations", "stop_asking"]

COLUMNS: Final = (
    "import_id", "contact_id", "digest", "status", "asked_at", "next_try_at", "attempts", "error",
)  # fmt: skip
COUNTED_AT_MOST: Final = 100_000
_COUNT: Final = """
SELECT status, count(*) FROM (SELECT status FROM contacts_confirmation WHERE import_id = %s LIMIT %s) AS counted
GROUP BY status
"""


def ask_for_confirmations(named: Mapping[int, str], *, import_id: int, at: datetime) -> int:
    """Of these contacts, whose rows named these emails (in compare form), those whose email is theirs and not confirmed
    yet; how many. In the transaction that wrote the rows.

    Nobody is asked twice: neither who waits already, nor who got a link that is still good.
    """
    unconfirmed = Contact.objects.filter(
        pk__in=list(named), state=ContactState.ACTIVE, email_state=ChannelState.UNCONFIRMED, email__isnull=False
    ).order_by("pk")
    wanted = {
        pk: address_digest(named[pk])
        for pk, email in unconfirmed.values_list("pk", "email")
        if clean_email(email or "")[1] == named[pk]
    }
    asked = _find_asked(wanted, import_id, at)
    rows = [
        (import_id, pk, digest, ConfirmationStatus.WAITING.value, at, at, 0, "")
        for pk, digest in wanted.items()
        if (pk, digest) not in asked
    ]
    if rows:
        with closing(open_cursor()) as cursor:
            insert_rows(cursor, "contacts_confirmation", COLUMNS, rows)
    return len(rows)


def _find_asked(wanted: Mapping[int, bytes], import_id: int, at: datetime) -> set[tuple[int, bytes]]:
    """Who waits, or got a link that is still good, and everybody whom this import asked before."""
    still_good = at - timedelta(days=settings.CONFIRMATION_LINK_DAYS)
    has_link = Q(asked_at__gte=still_good) & ~Q(status__in=(ConfirmationStatus.STOPPED, ConfirmationStatus.NOT_NEEDED))
    before = Confirmation.objects.filter(has_link | Q(import_id=import_id), contact_id__in=list(wanted))
    return {(pk, bytes(digest)) for pk, digest in before.values_list("contact_id", "digest")}


def stop_asking(import_id: int) -> int:
    """What waits is not sent any more; how many. What is being sent at this moment is."""
    waiting = Confirmation.objects.filter(import_id=import_id, status=ConfirmationStatus.WAITING)
    return waiting.update(status=ConfirmationStatus.STOPPED)


def count_confirmations(import_id: int) -> dict[str, int]:
    """How many mails of an import stand where, of the first ``COUNTED_AT_MOST``."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [import_id, COUNTED_AT_MOST])
        return dict(cursor.fetchall())
