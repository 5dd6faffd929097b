"""A dynamic segment's members of one moment, kept as a static segment.

Few are copied by one statement; many by a job, which asks once who is in it and writes them in batches, so that nobody
who changes a contact meanwhile waits for long. A job that died is run again and writes whom it had not written.
"""

from __future__ import annotations

import itertools
import logging
from functools import partial
from typing import Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from contacts.models import ContactState
from crm.jobs import app, connection_let_go, failures_told
from segments.catalogue import save_segment
from segments.conditions.lookups import DatabaseLookups
from segments.errors import AskingTookTooLong
from segments.limits import stopped_after
from segments.membership import compile_segment, join_members, members, tell_changed
from segments.models import Segment, SegmentType, Snapshot

__all__ = ["AT_ONCE", "fill_job", "fill_snapshot", "take_snapshot"]

AT_ONCE: Final = 20_000
"""Members that are copied while the caller waits."""
COUNT_MILLISECONDS: Final = 2_000
BATCH: Final = 5_000
JOB: Final = "segments.snapshots.fill"

logger = logging.getLogger(__name__)


def take_snapshot(source: Segment, *, name: str, by: str, at_once: int = AT_ONCE) -> Snapshot:
    """A new static segment with those who are in ``source`` now, or when the job runs if they are many.

    Raises ``DefinitionRefused``, and ``IntegrityError`` if the name is taken.
    """
    lookups = DatabaseLookups()
    is_small = _has_at_most(source, at_once, lookups)
    with transaction.atomic():
        target = save_segment(Segment(name=name, type=SegmentType.STATIC))
        snapshot = Snapshot.objects.create(segment=target, source=source, source_name=source.name, by=by)
        if is_small:
            _copy(source, target, lookups, by=by)
            _finish(snapshot)
        else:
            app.configure_task(JOB, allow_unknown=True, queue="exports").defer(snapshot_id=snapshot.pk)
    return snapshot


def _has_at_most(source: Segment, number: int, lookups: DatabaseLookups) -> bool:
    """Whether so few are in it; no, where that cannot be had in time."""
    try:
        with stopped_after(COUNT_MILLISECONDS):
            return members(source, lookups=lookups)[: number + 1].count() <= number
    except AskingTookTooLong:
        return False


def _copy(source: Segment, target: Segment, lookups: DatabaseLookups, *, by: str) -> None:
    """One statement. The contacts are locked in id order against merges, as everywhere: a membership that is written
    while its contact is merged would stay behind on the loser."""
    text, params = compile_segment(source, lookups).over("c")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segments_membership (contact_id, segment_id, added_at, by)"
            " SELECT found.id, %s, %s, %s FROM (SELECT c.id FROM contacts_contact c"
            f" WHERE c.state = {ContactState.ACTIVE.value} AND ({text}) ORDER BY c.id FOR SHARE OF c) found"
            " ON CONFLICT (contact_id, segment_id) DO NOTHING RETURNING contact_id",
            [target.pk, timezone.now(), by, *params],
        )
        tell_changed([row[0] for row in cursor.fetchall()])


# In the background


@app.task(name=JOB, queue="exports")
@connection_let_go()
def fill_job(snapshot_id: int) -> None:
    """Fill the static segment of a snapshot."""
    snapshot = Snapshot.objects.filter(pk=snapshot_id, finished_at__isnull=True).first()
    if snapshot is not None:
        attend(snapshot)


def attend(snapshot: Snapshot) -> None:
    gone = _("The database was gone. Take the snapshot again.")
    with failures_told(partial(_finish, snapshot), gone=gone, logger=logger, name=f"Snapshot {snapshot.pk}"):
        fill_snapshot(snapshot)


def fill_snapshot(snapshot: Snapshot) -> int:
    """Puts those in who are in the source at this moment; how many are new."""
    if snapshot.source is None:
        _finish(snapshot, _("The segment it was to be taken of is gone. Delete this one."))
        return 0
    ids = members(snapshot.source).order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)
    count = 0
    while batch := list(itertools.islice(ids, BATCH)):
        count += len(join_members(snapshot.segment, batch, by=snapshot.by))
    _finish(snapshot)
    return count


def _finish(snapshot: Snapshot, error: str = "") -> None:
    snapshot.finished_at, snapshot.error = timezone.now(), error
    Snapshot.objects.filter(pk=snapshot.pk).update(finished_at=snapshot.finished_at, error=error)
