"""The people of the segment tests, written as rows: each has something that another lacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from contacts.keys import Kind
from contacts.models import (
    Change,
    ChannelState,
    Consent,
    Contact,
    ContactState,
    CustomField,
    DuplicateCase,
    Identifier,
    Import,
    ImportStatus,
)
from contacts.normalize import clean_email
from segments.models import Membership, Segment, SegmentType

NOW = datetime.now(UTC)
TODAY = NOW.date()

SPRING, AUTUMN = 41, 42
"""The numbers of two imports."""
REGULARS = 7_001
"""The number of a static segment."""

CUSTOM_FIELDS = (
    ("nickname", "text", []),
    ("visits", "number", []),
    ("score", "decimal", []),
    ("newsletter", "boolean", []),
    ("birthday", "date", []),
    ("renewed", "datetime", []),
    ("weekly", "date", []),
    ("monthly", "date", []),
    ("quarterly", "date", []),
    ("yearly", "date", []),
    ("due", "date", []),
    ("tier", "choice", ["gold", "silver"]),
    ("tags", "choices", ["a", "b"]),
)


def _moment(days_ago: float) -> datetime:
    return NOW - timedelta(days=days_ago)


def _iso(days_ago: float) -> str:
    return _moment(days_ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _same_day(years: int) -> str:
    """Today, so many years ago; of a 29 February the year before it if need be."""
    day = TODAY - timedelta(days=1) if (TODAY.month, TODAY.day) == (2, 29) and years % 4 else TODAY
    return day.replace(year=day.year - years).isoformat()


def _month_later(first: date, months: int) -> date:
    return first if not months else _month_later((first.replace(day=28) + timedelta(days=4)).replace(day=1), months - 1)


def _month_before(first: date, months: int) -> date:
    return first if not months else _month_before((first - timedelta(days=1)).replace(day=1), months - 1)


MONDAY = TODAY - timedelta(days=TODAY.weekday())
FIRST_OF_MONTH = TODAY.replace(day=1)
FIRST_OF_QUARTER = _month_before(FIRST_OF_MONTH, (TODAY.month - 1) % 3)
NEW_YEAR = TODAY.replace(month=1, day=1)

NOW_AND_AROUND = {
    "weekly": (MONDAY - timedelta(days=7), MONDAY, MONDAY + timedelta(days=7)),
    "monthly": (_month_before(FIRST_OF_MONTH, 1), FIRST_OF_MONTH, _month_later(FIRST_OF_MONTH, 1)),
    "quarterly": (_month_before(FIRST_OF_QUARTER, 3), FIRST_OF_QUARTER, _month_later(FIRST_OF_QUARTER, 3)),
    "yearly": (NEW_YEAR.replace(year=TODAY.year - 1), NEW_YEAR, NEW_YEAR.replace(year=TODAY.year + 1)),
}
"""The first day of the last week, month …, of this one, and of the next."""


def _in_periods(step: int) -> dict[str, str]:
    return {key: days[step + 1].isoformat() for key, days in NOW_AND_AROUND.items()}


PEOPLE: dict[str, dict[str, Any]] = {
    "olena": {
        "external_id": "C-1",
        "email": "Olena@Example.com",
        "phone": "+380501112233",
        "first_name": "Olena",
        "town": "Київ",
        "email_state": ChannelState.ACTIVE,
        "created_at": _moment(2),
        "last_seen_at": _moment(1),
        "attributes": {
            "nickname": "50%_off\\",
            "visits": 12,
            "score": 3.5,
            "newsletter": True,
            "birthday": "1990-05-01",
            "renewed": _iso(3),
            "tier": "gold",
            "tags": ["a", "b"],
            "due": TODAY.isoformat(),
            **_in_periods(0),
        },
        "kinds": (Kind.DEVICE,),
        "changes": (("created", SPRING), ("updated", AUTUMN)),
        "consents": {"news": True},
        "segments": (REGULARS,),
        "email_state_at": _moment(10),
        "email_state_reason": "confirmed",
    },
    "bohdan": {
        "email": "bohdan@gmail.com",
        "first_name": "Bohdan",
        "town": "Lviv",
        "email_state": ChannelState.UNSUBSCRIBED,
        "created_at": _moment(400),
        "attributes": {
            "nickname": "50 off",
            "visits": 0,
            "score": -1.25,
            "newsletter": False,
            "tier": "silver",
            "tags": ["b"],
            "due": _same_day(40),
            **_in_periods(-1),
        },
        "changes": (("created", None), ("updated", AUTUMN), ("updated", AUTUMN)),
        "consents": {"news": False, "offers": True},
        "segments": (REGULARS,),
    },
    "taras": {
        "external_id": "c-1",
        "phone": "+380679998877",
        "first_name": "Taras",
        "town": "Lutsk",
        "created_at": _moment(40),
        "attributes": {
            "birthday": TODAY.isoformat(),
            "renewed": _iso(0.01),
            "due": (TODAY + timedelta(days=3)).isoformat(),
            **_in_periods(1),
        },
        "merged_changes": (("created", AUTUMN),),
        "has_duplicates": True,
    },
    "ivan": {
        "email": "ІВАН@Пошта.укр",
        "first_name": "Іван",
        "town": "lviv",
        "created_at": _moment(40),
        "attributes": {
            "visits": "many",
            "newsletter": "perhaps",
            "birthday": "soon",
            "renewed": 5,
            "score": None,
            "tags": "a",
        },
        "has_duplicates": True,
    },
    "guest": {"created_at": _moment(5), "kinds": (Kind.COOKIE,)},
    "walkin": {"first_name": "Walk-in", "made_deliberately": True, "created_at": _moment(5)},
    "deleted": {
        "first_name": "Olena",
        "town": "Київ",
        "state": ContactState.DELETED,
        "deleted_at": NOW,
        "created_at": _moment(2),
        "attributes": {"visits": 12},
        "changes": (("created", SPRING),),
    },
}
ACTIVE = frozenset(PEOPLE) - {"deleted"}

_COMPARED = {
    Kind.EXTERNAL_ID: lambda value: value,
    Kind.PHONE: lambda value: value,
    Kind.EMAIL: lambda value: clean_email(value)[1],
}


def make_people() -> dict[str, Contact]:
    """Everybody, by name, with identifiers and the custom fields they use."""
    CustomField.objects.bulk_create(
        CustomField(key=key, label=key.capitalize(), type=field_type, options=options)
        for key, field_type, options in CUSTOM_FIELDS
    )
    for number, name in ((SPRING, "spring.csv"), (AUTUMN, "autumn.csv")):
        Import(pk=number, file_name=name, status=ImportStatus.FINISHED, by="user:1").save()
    Segment(pk=REGULARS, name="Regulars", type=SegmentType.STATIC).save()
    people = {name: make_contact(**facts) for name, facts in PEOPLE.items()}
    doubled = [people[name].pk for name, facts in PEOPLE.items() if facts.get("has_duplicates")]
    DuplicateCase(kind=Kind.CUSTOM, value="50", contact_ids=doubled, opened_at=NOW).save()
    return people


def make_contact(
    *,
    kinds: tuple[Kind, ...] = (),
    changes: tuple[tuple[str, int | None], ...] = (),
    merged_changes: tuple[tuple[str, int | None], ...] = (),
    consents: dict[str, bool] | None = None,
    segments: tuple[int, ...] = (),
    has_duplicates: bool = False,
    **facts: Any,
) -> Contact:
    """One contact with its identifiers and mask.

    ``changes`` are its journal: what, and by which import; ``merged_changes`` that of somebody who was merged into it.
    """
    facts = {"created_at": NOW, "updated_at": NOW} | facts
    permanent = {kind: facts[kind.slug] for kind in _COMPARED if facts.get(kind.slug)}
    mask = sum(1 << kind for kind in {*permanent, *kinds})
    (contact,) = Contact.objects.bulk_create([Contact(**facts, identifier_kinds=mask)])
    values = {kind: _COMPARED[kind](value) for kind, value in permanent.items()}
    values |= {kind: f"{kind.slug}-{contact.pk}" for kind in kinds}
    Identifier.objects.bulk_create(
        Identifier(kind=kind, value=value, contact_id=contact.pk, first_seen_at=NOW, last_seen_at=NOW)
        for kind, value in values.items()
    )
    Change.objects.bulk_create(
        Change(contact_id=contact.pk, at=NOW, by="user:1", kind=kind, import_id=number) for kind, number in changes
    )
    Consent.objects.bulk_create(
        Consent(contact_id=contact.pk, category=category, granted=granted, at=NOW, by="user:1")
        for category, granted in (consents or {}).items()
    )
    Membership.objects.bulk_create(
        Membership(contact_id=contact.pk, segment_id=segment, added_at=NOW, by="user:1") for segment in segments
    )
    if merged_changes:
        make_contact(state=ContactState.MERGED, merged_into=contact, changes=merged_changes)
    return contact
