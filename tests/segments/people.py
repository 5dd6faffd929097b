"""The people of the segment tests, written as rows: each has something that another lacks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contacts.keys import Kind
from contacts.models import (
    Change,
    ChannelState,
    Contact,
    ContactState,
    CustomField,
    Identifier,
    Import,
    ImportStatus,
)
from contacts.normalize import clean_email

NOW = datetime.now(UTC)

SPRING, AUTUMN = 41, 42
"""The numbers of two imports."""

CUSTOM_FIELDS = (
    ("nickname", "text", []),
    ("visits", "number", []),
    ("score", "decimal", []),
    ("newsletter", "boolean", []),
    ("birthday", "date", []),
    ("renewed", "datetime", []),
    ("tier", "choice", ["gold", "silver"]),
    ("tags", "choices", ["a", "b"]),
)


def _moment(days_ago: float) -> datetime:
    return NOW - timedelta(days=days_ago)


def _iso(days_ago: float) -> str:
    return _moment(days_ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


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
            "tags": ["a"],
        },
        "kinds": (Kind.DEVICE,),
        "changes": (("created", SPRING), ("updated", AUTUMN)),
    },
    "bohdan": {
        "email": "bohdan@gmail.com",
        "first_name": "Bohdan",
        "town": "Lviv",
        "email_state": ChannelState.UNSUBSCRIBED,
        "created_at": _moment(400),
        "attributes": {"nickname": "50 off", "visits": 0, "score": -1.25, "newsletter": False, "tier": "silver"},
        "changes": (("created", None), ("updated", AUTUMN), ("updated", AUTUMN)),
    },
    "taras": {
        "external_id": "c-1",
        "phone": "+380679998877",
        "first_name": "Taras",
        "town": "Lutsk",
        "created_at": _moment(40),
        "attributes": {"birthday": NOW.date().isoformat(), "renewed": _iso(0.01)},
    },
    "ivan": {
        "email": "ІВАН@Пошта.укр",
        "first_name": "Іван",
        "town": "lviv",
        "created_at": _moment(40),
        "attributes": {"visits": "many", "newsletter": "perhaps", "birthday": "soon", "renewed": 5, "score": None},
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
    """Everybody, by name, with identifiers and the custom fields they use. Somebody was merged into Taras."""
    CustomField.objects.bulk_create(
        CustomField(key=key, label=key.capitalize(), type=field_type, options=options)
        for key, field_type, options in CUSTOM_FIELDS
    )
    for number, name in ((SPRING, "spring.csv"), (AUTUMN, "autumn.csv")):
        Import(pk=number, file_name=name, status=ImportStatus.FINISHED, by="user:1").save()
    people = {name: make_contact(**facts) for name, facts in PEOPLE.items()}
    make_contact(state=ContactState.MERGED, merged_into=people["taras"], changes=(("created", AUTUMN),))
    return people


def make_contact(
    *, kinds: tuple[Kind, ...] = (), changes: tuple[tuple[str, int | None], ...] = (), **facts: Any
) -> Contact:
    """One contact with its identifiers and mask; ``changes`` are its journal: what, and by which import."""
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
    return contact
