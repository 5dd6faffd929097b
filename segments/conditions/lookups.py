"""What the language reads from the database: the account's fields, identifiers, and other segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from django.db import connection
from django.utils import timezone

from contacts.columns import Column, all_columns
from contacts.keys import Kind
from contacts.models import Account, ChannelState, CustomField, EventType, Import
from contacts.normalize import clean_email, compare_form
from segments.conditions.dates import Clock
from segments.conditions.errors import UnknownSegment
from segments.conditions.fields import Option
from segments.conditions.parse import parse
from segments.conditions.registry import Registry, build_registry
from segments.conditions.relations import RowKind
from segments.conditions.seen import SeenMember, read_members, read_parameters
from segments.conditions.sql import Clause, render
from segments.conditions.tree import Definition
from segments.models import Segment, SegmentType

__all__ = ["DatabaseLookups", "static_clause"]

K = TypeVar("K")
V = TypeVar("V")

_HOLDERS: Final = """SELECT id, {column} FROM contacts_contact WHERE id = ANY(ARRAY(
SELECT contact_id FROM contacts_identifier WHERE kind = %s AND app = '' AND value = ANY(%s)))"""
"""Values to ids, then ids to rows: the inner select knows nothing of the outer one, and is done first."""


class DatabaseLookups:
    """Reads once what one question needs. Made anew for each, so that every answer is of this moment."""

    @cached_property
    def account(self) -> Account:
        return Account.objects.order_by("pk").first() or Account()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What a contact has in this account."""
        return all_columns(CustomField.objects.all())

    @cached_property
    def registry(self) -> Registry:
        """The fields of this account."""
        return build_registry(
            self.columns,
            channel_states=[Option(state.name.lower(), state.name.lower(), state.value) for state in ChannelState],
            segments=ReadLate(read_segment_names),
            country=self.account.default_phone_country,
            imports=ImportNames(),
            consents=ConsentCategories(),
            event_types=ReadLate(read_event_types),
        )

    @cached_property
    def clock(self) -> Clock:
        name = self.account.time_zone
        return Clock(timezone.now(), ZoneInfo(name if name in _known_zones() else "UTC"))

    def read_zones(self) -> Mapping[str, ZoneInfo]:
        """The time zones that this program and the database both know, by name."""
        return _read_zones()

    def find_contacts(self, kind: Kind, values: Iterable[str]) -> list[int]:
        """The contacts whose primary value of ``kind`` is one of ``values``; further values do not count."""
        wanted = set(values)
        forms = [compare_form(kind, "", value)[2] for value in wanted]
        with connection.cursor() as cursor:
            cursor.execute(_HOLDERS.format(column=kind.slug), [int(kind), forms])
            found = cursor.fetchall()
        return sorted(pk for pk, value in found if value in wanted or (value and _compared(kind, value) in wanted))

    def find_members(self, relation_key: str, type_key: str | None = None) -> list[SeenMember]:
        """What rows of a relation keep in their JSON objects: an event's parameters as they are noted when events come,
        others as the newest rows show them."""
        asked = (relation_key, type_key)
        if asked not in self.members_seen:
            relation = self.registry.relations.get(relation_key)
            read = read_parameters if relation_key == "events" else read_members
            self.members_seen[asked] = [] if relation is None else read(relation, type_key)
        return self.members_seen[asked]

    @cached_property
    def members_seen(self) -> dict[tuple[str, str | None], list[SeenMember]]:
        return {}

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


class ReadLate(Mapping[K, V]):
    """What ``read`` gives, read when the first of it is asked for: most definitions never do."""

    def __init__(self, read: Callable[[], dict[K, V]]) -> None:
        self.read = read

    @cached_property
    def known(self) -> dict[K, V]:
        return self.read()

    def __getitem__(self, key: K) -> V:
        return self.known[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def read_segment_names() -> dict[int, str]:
    return dict(Segment.objects.values_list("pk", "name"))


def read_event_types() -> dict[str, RowKind]:
    """The types of events by key."""
    rows = EventType.objects.order_by("key").values_list("key", "name", "pk", "is_for_segments")
    return {key: RowKind(name or key, render("r.type_id = {}", pk), offered) for key, name, pk, offered in rows}


class ConsentCategories(Iterable[str]):
    """The categories somebody was asked about, by name; read when they are asked for."""

    def __iter__(self) -> Iterator[str]:
        with connection.cursor() as cursor:
            cursor.execute(_CATEGORIES)
            yield from [category for (category,) in cursor.fetchall()]


_CATEGORIES: Final = """
WITH RECURSIVE found (category) AS (
    (SELECT category FROM contacts_consent ORDER BY category LIMIT 1)
    UNION ALL
    SELECT (SELECT category FROM contacts_consent WHERE category > found.category ORDER BY category LIMIT 1)
    FROM found WHERE found.category IS NOT NULL
)
SELECT category FROM found WHERE category IS NOT NULL LIMIT 200
"""
"""A walk along the index, from one category to the next: there may be millions of consents."""


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    """Once a process: Python looks through its files for them."""
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def _read_zones() -> Mapping[str, ZoneInfo]:
    """Once a process: the database reads a file for each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names")
        names = _known_zones() & {name for (name,) in cursor.fetchall()}
    return {name: ZoneInfo(name) for name in sorted(names)}


def static_clause(segment_id: int) -> Clause:
    """Being in a static segment."""
    return render(
        "EXISTS (SELECT 1 FROM segments_membership m WHERE m.contact_id = @contact.id AND m.segment_id = {})",
        segment_id,
    )


def _compared(kind: Kind, value: str) -> str:
    return clean_email(value)[1] if kind is Kind.EMAIL else value
