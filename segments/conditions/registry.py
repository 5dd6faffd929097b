"""The registry of fields, generated from ``contacts.columns`` (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from contacts.columns import Column
from contacts.keys import IDENTIFYING_MASK, Kind
from segments.conditions.dates import DateForm
from segments.conditions.fields import Field, FieldType, Option, keep_attribute, read_column
from segments.conditions.relations import ORDERS, Relation, RowKind, build_events, build_identifiers
from segments.conditions.sql import Clause, among, render

__all__ = ["CONSENT_PREFIX", "IDENTIFIER_LABELS", "LONGEST_CATEGORY", "Fields", "Registry", "build_registry"]

CONSENT_PREFIX: Final = "consent."
LONGEST_CATEGORY: Final = 50

TYPES: Final[Mapping[str, FieldType]] = {
    "external_id": FieldType.EXTERNAL_ID,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "channel_state": FieldType.CHOICE,
    "text": FieldType.TEXT,
    "long_text": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "decimal": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATE,
    "choice": FieldType.CHOICE,
    "choices": FieldType.CHOICES,
}
"""The field type of each column type. ``state`` is missing on purpose: members are active contacts."""

LOOKED_UP: Final[Mapping[str, Kind]] = {
    "external_id": Kind.EXTERNAL_ID,
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
}
"""Columns whose exact values are found through the identifiers."""

IDENTIFIER_LABELS: Final[Mapping[Kind, str]] = {
    Kind.EXTERNAL_ID: "External ID (identifier)",
    Kind.EMAIL: "Email (identifier)",
    Kind.PHONE: "Phone (identifier)",
    Kind.CUSTOM: "Custom key",
    Kind.DEVICE: "Device ID",
    Kind.APP_INSTANCE: "App instance ID",
    Kind.MOBILE_PUSH: "Mobile push token",
    Kind.WEB_PUSH: "Web push token",
    Kind.TELEGRAM: "Telegram token",
    Kind.COOKIE: "Web cookie",
    Kind.ADVERTISING: "Advertising ID",
}
"""The kinds that stand in a contact's mask."""

CHANNELS: Final = (
    Field("email_state_at", FieldType.DATE, "Email state since", read_column("email_state_at"), group="channels"),
    Field(
        "email_state_reason",
        FieldType.TEXT,
        "Email state's reason",
        read_column("email_state_reason"),
        group="channels",
        suggests=True,
    ),
    Field("phone_state_at", FieldType.DATE, "Phone state since", read_column("phone_state_at"), group="channels"),
    Field(
        "phone_state_reason",
        FieldType.TEXT,
        "Phone state's reason",
        read_column("phone_state_reason"),
        group="channels",
        suggests=True,
    ),
)
"""Since when and why an address or number is in its state."""

IS_ANONYMOUS: Final = Clause(
    f"(@contact.identifier_kinds & {IDENTIFYING_MASK} = 0"
    " AND @contact.order_count = 0 AND NOT @contact.made_deliberately)"
)

HAS_DUPLICATES: Final = among(
    Clause(
        "SELECT unnest(duplicates.contact_ids) AS contact_id"
        " FROM contacts_duplicatecase duplicates WHERE duplicates.status = 'open'"
    )
)

NOT_SUGGESTED: Final = frozenset({"contact_key"})
"""Texts that hardly any two contacts share."""


class Fields(Mapping[str, Field]):
    """The fields by key. Every category of consent is one, whether somebody was asked for it yet or not."""

    def __init__(self, fields: Iterable[Field], categories: Iterable[str] = ()) -> None:
        self.known = {field.key: field for field in fields}
        self.categories = categories

    def __getitem__(self, key: str) -> Field:
        if key in self.known:
            return self.known[key]
        category = key.removeprefix(CONSENT_PREFIX)
        if category == key or not _is_category(category):
            raise KeyError(key)
        return _consent_field(category)

    def __iter__(self) -> Iterator[str]:
        yield from self.known
        yield from (CONSENT_PREFIX + category for category in self.categories)

    def __len__(self) -> int:
        return sum(1 for _key in self)


def _is_category(text: str) -> bool:
    return 0 < len(text) <= LONGEST_CATEGORY and text.strip() == text and text.isprintable()


@dataclass(frozen=True, slots=True)
class Registry:
    """Every field by key, and what values are read against.

    ``segments`` maps the id of each segment to its name, ``imports`` the id of each import to its file's; ``country``
    is what national phone numbers are read by; ``relations`` are the rows of other tables that contacts have, by key.
    """

    fields: Mapping[str, Field]
    segments: Mapping[int, str] = field(default_factory=dict)
    country: str = "UA"
    imports: Mapping[int, str] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)


def build_registry(
    columns: Iterable[Column],
    *,
    channel_states: Iterable[Option] = (),
    segments: Mapping[int, str] | None = None,
    country: str = "UA",
    imports: Mapping[int, str] | None = None,
    consents: Iterable[str] = (),
    event_types: Mapping[str, RowKind] | None = None,
) -> Registry:
    """The registry of an account with these columns."""
    states = tuple(channel_states)
    fields = [_field_of(column, states) for column in columns if column.read and column.type in TYPES]
    fields += [_identifier_field(kind) for kind in IDENTIFIER_LABELS]
    fields += [
        Field("anonymous", FieldType.BOOLEAN, "Anonymous", IS_ANONYMOUS, group="contact"),
        Field("duplicates", FieldType.IDENTIFIER, "Possible duplicates", HAS_DUPLICATES, group="contact"),
        *CHANNELS,
        Field("segment", FieldType.SEGMENT, "Segment", group="membership"),
        Field("import", FieldType.IMPORT, "Import", group="membership"),
        Field("random", FieldType.RANDOM, "Random share", group="membership"),
    ]
    relations = (
        build_events({} if event_types is None else event_types),
        ORDERS,
        build_identifiers(IDENTIFIER_LABELS),
    )
    return Registry(
        Fields(fields, consents),
        {} if segments is None else segments,
        country,
        {} if imports is None else imports,
        {relation.key: relation for relation in relations},
    )


def _field_of(column: Column, channel_states: tuple[Option, ...]) -> Field:
    kept = keep_attribute(column.custom_key, column.type) if column.is_custom else None
    return Field(
        key=column.key,
        type=TYPES[column.type],
        label=column.label,
        value=read_column(column.key) if kept is None else kept.value,
        options=_options_of(column, channel_states),
        date_form=_date_form_of(column),
        kind=LOOKED_UP.get(column.type),
        kept=kept,
        group=_group_of(column),
        suggests=TYPES[column.type] is FieldType.TEXT and column.key not in NOT_SUGGESTED,
    )


def _group_of(column: Column) -> str:
    if column.is_custom:
        return "fields"
    return "channels" if column.type == "channel_state" else "contact"


def _options_of(column: Column, channel_states: tuple[Option, ...]) -> tuple[Option, ...]:
    if column.type == "channel_state":
        return channel_states
    return tuple(Option(option, option, option) for option in column.options)


def _date_form_of(column: Column) -> DateForm:
    if not column.is_custom:
        return DateForm.MOMENT
    return DateForm.DAY_TEXT if column.type == "date" else DateForm.MOMENT_TEXT


def _identifier_field(kind: Kind) -> Field:
    has = Clause(f"@contact.identifier_kinds & {1 << kind} <> 0")
    return Field(f"identifiers.{kind.slug}", FieldType.IDENTIFIER, IDENTIFIER_LABELS[kind], has, group="identifiers")


def _consent_field(category: str) -> Field:
    answer = render(
        "(SELECT consent.granted FROM contacts_consent consent"
        " WHERE consent.contact_id = @contact.id AND consent.category = {})",
        category,
    )
    return Field(
        CONSENT_PREFIX + category,
        FieldType.CONSENT,
        f"Consent to {category}",
        answer,
        category=category,
        group="consents",
    )
