"""What the stays tell: since when somebody is in, who was in on a day, how large a segment was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce

from contacts.models import Contact, ContactState
from segments.models import Segment, SegmentSize, Stay
from segments.watching.watched import Moment

__all__ = ["AsOf", "DaySize", "ended_at", "list_as_of", "list_sizes", "list_stays", "since_when", "today_of"]

MAX_PAGE: Final = 1_000


class AsOf(NamedTuple):
    """Somebody who was in: the contact as it is by now (a merged one's survivor, None if it is gone) and the stay."""

    contact: Contact | None
    stay: Stay


class DaySize(NamedTuple):
    """A segment at the end of a day."""

    day: date
    size: int
    entered: int
    left: int


def since_when(contact_id: int) -> dict[int, datetime]:
    """By watched segment since when the contact is in; a merged one stands for its survivor."""
    survivor = Subquery(Contact.objects.filter(pk=contact_id).values("merged_into")[:1])
    stays = Stay.objects.filter(
        contact_id=Coalesce(survivor, Value(contact_id)), left_at=None, segment__watch__is_on=True
    )
    return dict(stays.values_list("segment_id", "entered_at"))


def list_stays(segment: Segment, contact_id: int) -> list[Stay]:
    """When this contact was in the segment, the last time first."""
    return list(Stay.objects.filter(contact_id=contact_id, segment=segment).order_by("-entered_at", "-pk"))


def today_of(moment: datetime) -> date:
    """The day of the account's zone."""
    return Moment(moment).clock_at(moment).today


def ended_at(day: date) -> datetime:
    """The end of a day of the account's zone, or now while it lasts."""
    now = datetime.now(UTC)
    return min(Moment(now).clock_at(now).start_of(day + timedelta(days=1)), now)


def list_as_of(segment: Segment, day: date, *, after: int = 0, limit: int = 100) -> list[AsOf]:
    """A page of who was in at the end of ``day``, by the contact's number then; those after ``after``."""
    end = ended_at(day)
    was_in = Stay.objects.filter(Q(left_at=None) | Q(left_at__gte=end), segment=segment, entered_at__lt=end)
    stays = list(was_in.filter(contact_id__gt=after).order_by("contact_id", "pk")[: min(limit, MAX_PAGE)])
    contacts = _contacts_of(stays)
    return [AsOf(contacts.get(stay.contact_id), stay) for stay in stays]


def _contacts_of(stays: Sequence[Stay]) -> dict[int, Contact]:
    found = Contact.objects.select_related("merged_into").in_bulk({stay.contact_id for stay in stays})
    holders = {pk: contact.merged_into or contact for pk, contact in found.items()}
    return {pk: holder for pk, holder in holders.items() if holder.state != ContactState.ERASED}


def list_sizes(segment: Segment, *, first: date, last: date) -> list[DaySize]:
    """The sizes from ``first`` to ``last``, as far as they were kept; a quiet day is as the one before."""
    known = {row.day: row for row in SegmentSize.objects.filter(segment=segment, day__gte=first, day__lte=last)}
    before = SegmentSize.objects.filter(segment=segment, day__lt=first).order_by("-day").first()
    size = before.size if before is not None else None
    shown: list[DaySize] = []
    stop = min(last, today_of(datetime.now(UTC)))
    for number in range((stop - first).days + 1):
        day = first + timedelta(days=number)
        row = known.get(day)
        size = row.size if row is not None else size
        if size is not None:
            shown.append(DaySize(day, size, row.entered if row else 0, row.left if row else 0))
    return shown
