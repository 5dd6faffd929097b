"""Whom an action means, settled once: the ids of a selection, kept in batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from contacts.actions.errors import TakenOver
from contacts.models import ActionStatus, Contact, ContactAction
from contacts.selections import Selection

__all__ = ["BATCH", "chosen_contacts", "gather", "highest_id"]

BATCH: Final = 500
"""Contacts a transaction, for which the gate is closed: whoever writes a single contact meanwhile waits that long."""

# One statement and so one moment: nobody is in two batches, and nobody falls between them.
_GATHER: Final = """
INSERT INTO contacts_actionbatch (action_id, number, contact_ids)
SELECT {action}, number, array_agg(id ORDER BY id)
FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / {size} AS number FROM ({chosen}) c (id)) numbered
GROUP BY number
"""
_COUNT: Final = "SELECT coalesce(sum(cardinality(contact_ids)), 0) FROM contacts_actionbatch WHERE action_id = %s"


def chosen_contacts(action: ContactAction) -> QuerySet[Contact]:
    """Whom an action means, without those who were made after it was confirmed: they have a higher id, or had theirs
    before as a visitor (T2)."""
    contacts = Selection.from_json(action.selection).contacts()
    if action.until_id is not None:
        contacts = contacts.filter(pk__lte=action.until_id, created_at__lte=action.created_at)
    return contacts


def highest_id() -> int:
    """Of all contacts there are."""
    return Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def gather(action: ContactAction, *, size: int = BATCH) -> None:
    """Keep the ids in batches, unless that was done; the action is under way from then on."""
    with transaction.atomic():
        held = ContactAction.objects.select_for_update().get(pk=action.pk)
        if held.status not in (ActionStatus.QUEUED, ActionStatus.RUNNING):
            raise TakenOver  # somebody stopped it before it began
        if held.total is None:
            held.total = _write_batches(held, size)
            held.started_at = datetime.now(UTC)
            held.status = ActionStatus.RUNNING
            held.save(update_fields=["total", "started_at", "status"])
    action.refresh_from_db()


def _write_batches(action: ContactAction, size: int) -> int:
    contacts = chosen_contacts(action)
    with connection.cursor() as cursor:
        try:
            chosen, params = contacts.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return 0
        # The selection's own parameters travel; the numbers are ours.
        sql = _GATHER.format(action=int(action.pk), size=int(size), chosen=chosen)
        cursor.execute(sql, params)
        cursor.execute(_COUNT, [action.pk])
        return int(cursor.fetchone()[0])
