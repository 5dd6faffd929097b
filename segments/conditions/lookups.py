"""What the language reads from the database: the account's fields, identifiers, and other segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils import timezone

from contacts.columns import all_columns
from contacts.keys import Kind
from contacts.models import Account, ChannelState, Contact, CustomField, Identifier, Import
from contacts.normalize import clean_email, compare_form
from segments.conditions.dates import Clock
from segments.conditions.errors import UnknownSegment
from segments.conditions.fields import Option
from segments.conditions.parse import parse
from segments.conditions.registry import Registry, build_registry
from segments.conditions.sql import Clause, render
from segments.conditions.tree import Definition
from segments.models import Segment, SegmentType

__all__ = ["DatabaseLookups", "static_clause"]


class DatabaseLookups:
    """Reads once what one question needs. Made anew for each, so that every answer is of this moment."""

    @cached_property
    def account(self) -> Account:
        return Account.objects.order_by("pk").first() or Account()

    @cached_property
    def registry(self) -> Registry:
        """The fields of this account."""
        return build_registry(
            all_columns(CustomField.objects.all()),
            channel_states=[Option(state.name.lower(), state.name.lower(), state.value) for state in ChannelState],
            segments=dict(Segment.objects.values_list("pk", "name")),
            country=self.account.default_phone_country,
            imports=ImportNames(),
        )

    @cached_property
    def clock(self) -> Clock:
        return Clock(timezone.now(), ZoneInfo(self.account.time_zone))

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values``; further values do not count."""
        wanted = set(values)
        forms = [compare_form(kind, "", value)[2] for value in wanted]
        ids = Identifier.objects.filter(value__in=forms, kind=kind, app="").values_list("contact_id", flat=True)
        column = kind.slug
        found = Contact.objects.filter(pk__in=list(ids)).values_list("pk", column)
        return sorted(pk for pk, value in found if value is not None and _compared(kind, value) in wanted)

    def read_segment(self, segment_id: int) -> Definition | Clause:
        segment = Segment.objects.filter(pk=segment_id).first()
        if segment is None:
            raise UnknownSegment(segment_id=segment_id)
        if segment.type == SegmentType.STATIC:
            return static_clause(segment_id)
        return parse(segment.definition, self.registry)


class ImportNames(Mapping[int, str]):
    """The file's name by the id of each import, read one by one: definitions name few, and there may be thousands."""

    def __init__(self) -> None:
        self.known: dict[int, str | None] = {}

    def __getitem__(self, import_id: int) -> str:
        if import_id not in self.known:
            fits = 0 < import_id < 2**63
            names = Import.objects.filter(pk=import_id).values_list("file_name", flat=True) if fits else None
            self.known[import_id] = None if names is None else names.first()
        name = self.known[import_id]
        if name is None:
            raise KeyError(import_id)
        return name

    def __iter__(self) -> Iterator[int]:
        return iter(Import.objects.order_by("pk").values_list("pk", flat=True))

    def __len__(self) -> int:
        return Import.objects.count()


def static_clause(segment_id: int) -> Clause:
    """Being in a static segment."""
    return render(
        "EXISTS (SELECT 1 FROM segments_membership m WHERE m.contact_id = @contact.id AND m.segment_id = {})",
        segment_id,
    )


def _compared(kind: Kind, value: str) -> str:
    return clean_email(value)[1] if kind is Kind.EMAIL else value
