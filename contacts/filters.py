"""The conditions by which lists of contacts are narrowed: those of the API's search, and those of the back office.

An email, a phone, an external ID are looked up through identifiers, values → ids → rows, so that every address a
contact has finds it and the tables may be distributed. A value that cannot be one finds nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final

import django_filters
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import F, Q, QuerySet, Subquery
from django.db.models.lookups import GreaterThan
from django_filters.fields import IsoDateTimeField

from contacts import populations
from contacts.columns import CUSTOM_PREFIX
from contacts.custom_filters import UnknownCondition, narrow_by_field
from contacts.finding.search import search_for
from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Change, ChannelState, Contact, ContactState, Identifier, read_account_zone
from contacts.normalize import InvalidValue, clean_email, clean_external_id, compare_form
from contacts.phones import parse_phone

__all__ = [
    "CHANNELS",
    "CHANNEL_STATES",
    "LIST_CONDITIONS",
    "ContactFilter",
    "JobFilter",
    "MomentFilter",
    "begins_with",
    "narrow",
    "narrow_list",
    "read_bound",
]

FEW: Final = 1_000
JOB_STATUSES: Final = ("queued", "inProgress", "finished", "error", "cancelled")
YES_OR_NO: Final = [("yes", "yes"), ("no", "no")]


def find_owners(kind: Kind, value: str | None, contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Those among ``contacts`` that have the value; one that thousands share is left to the database to match."""
    if not value:
        return contacts.none()
    kind_number, app, compared = compare_form(kind, "", value)
    owners = Identifier.objects.filter(value=compared, kind=kind_number, app=app).values("contact_id")
    ids = list(owners.values_list("contact_id", flat=True)[: FEW + 1])
    return contacts.filter(pk__in=ids) if len(ids) <= FEW else contacts.filter(pk__in=Subquery(owners))


def as_email(text: str) -> str | None:
    try:
        return clean_email(text)[1]
    except InvalidValue:
        return None


def as_phone(text: str) -> str | None:
    return parse_phone(text, current_settings().schema.country)


def as_external_id(text: str) -> str | None:
    try:
        return clean_external_id(text, current_settings().schema.external_id_max_length)
    except InvalidValue:
        return None


def begins_with(column: str, text: str) -> Q:
    """Case is folded here rather than in SQL, where it depends on the server's locale and no plain index helps."""
    condition = Q()
    for variant in dict.fromkeys((text, text.lower(), text.title(), text.upper())):
        condition |= Q(**{f"{column}__startswith": variant})
    return condition


class IdentifierFilter(django_filters.CharFilter):
    """Contacts that have this value of a kind, as a primary one or by a merge."""

    def __init__(self, kind: Kind, read: Callable[[str], str | None], **options: object) -> None:
        super().__init__(**options)
        self.kind = kind
        self.read = read

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return find_owners(self.kind, self.read(value), qs) if value else qs


class NameFilter(django_filters.CharFilter):
    """Names that begin so, in small or capital letters."""

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return qs.filter(begins_with(str(self.field_name), value)) if value else qs


class HasFilter(django_filters.ChoiceFilter):
    """Contacts that have, or lack, a value in one column."""

    def __init__(self, **options: object) -> None:
        super().__init__(choices=YES_OR_NO, **options)

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        return qs.filter(**{f"{self.field_name}__isnull": value == "no"}) if value else qs


class StateFilter(django_filters.ChoiceFilter):
    """Active contacts, unless the deleted ones are asked for, or all."""

    def __init__(self, **options: object) -> None:
        super().__init__(choices=[("deleted", "deleted"), ("all", "all")], **options)

    def filter(self, qs: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        if value == "deleted":
            return qs.filter(state=ContactState.DELETED, deleted_at__isnull=False)
        return qs.filter(
            state__in=(ContactState.ACTIVE, ContactState.DELETED) if value == "all" else (ContactState.ACTIVE,)
        )


class MomentField(IsoDateTimeField):
    """In UTC: zones far from it are none to the database."""

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment else None
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A moment in ISO 8601, such as the lists of journals, imports and exports are narrowed by."""

    field_class = MomentField


class JobFilter(django_filters.FilterSet):
    """Imports or exports by their status on the wire, for which ``statuses`` has those that are stored, and by when
    they were made."""

    statuses: ClassVar[Mapping[str, Collection[str]]] = {}

    status = django_filters.ChoiceFilter(choices=[(name, name) for name in JOB_STATUSES], method="filter_status")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    def filter_status(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(status__in=self.statuses[value])


class ContactFilter(django_filters.FilterSet):
    external_id = IdentifierFilter(Kind.EXTERNAL_ID, as_external_id)
    email = IdentifierFilter(Kind.EMAIL, as_email)
    phone = IdentifierFilter(Kind.PHONE, as_phone)
    first_name = NameFilter()
    last_name = NameFilter()
    source = django_filters.CharFilter()
    has_external_id = HasFilter(field_name="external_id")
    has_email = HasFilter(field_name="email")
    has_phone = HasFilter(field_name="phone")
    state = StateFilter()

    class Meta:
        model = Contact
        fields: list[str] = []


def narrow(contacts: QuerySet[Contact], name: str, value: str | None) -> QuerySet[Contact]:
    """By one of the conditions alone; an empty value is none, but for the state."""
    narrowed: QuerySet[Contact] = ContactFilter.base_filters[name].filter(contacts, value or "")
    return narrowed


# The conditions of the lists that people look at


Narrow = Callable[[QuerySet[Contact], list[str]], QuerySet[Contact]]
"""Those among contacts for whom one of the values holds; a value that means nothing holds for nobody."""

CHANNEL_STATES: Final = {state.name.lower(): int(state) for state in ChannelState}
HAS_COLUMNS: Final = {name: name.removeprefix("has_") for name in ("has_external_id", "has_email", "has_phone")}
TOKEN_CHANNELS: Final = {kind.slug: kind for kind in (Kind.MOBILE_PUSH, Kind.WEB_PUSH, Kind.TELEGRAM)}
CHANNELS: Final = ("email", "phone", *TOKEN_CHANNELS)
STATES: Final = {
    "active": (ContactState.ACTIVE,),
    "deleted": (ContactState.DELETED,),
    "all": (ContactState.ACTIVE, ContactState.DELETED),
}
FIRST_DAY, LAST_DAY = date(2, 1, 1), date(9998, 12, 30)
"""Days that are days in every time zone."""
DAYS_AGO: Final = re.compile(r"-(\d{1,4})d", re.ASCII)


def by_state(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    return contacts.filter(state__in={state for value in values for state in STATES.get(value, ())})


def by_source(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    return contacts.filter(source__in=values)


def by_channel_state(column: str) -> Narrow:
    def narrow_to(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
        states = [CHANNEL_STATES[value] for value in values if value in CHANNEL_STATES]
        return contacts.filter(**{f"{column}__in": states})

    return narrow_to


def by_having(column: str) -> Narrow:
    def narrow_to(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
        asked = set(values) & {"yes", "no"}
        if len(asked) != 1:
            return contacts if asked else contacts.none()
        return contacts.filter(**{f"{column}__isnull": asked == {"no"}})

    return narrow_to


def by_channel(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    """Those that can be reached by one of the channels at all, whatever its state."""
    condition = Q(pk__in=[])
    for value in values:
        if value in TOKEN_CHANNELS:
            held = F("identifier_kinds").bitand(1 << TOKEN_CHANNELS[value])
            condition |= Q(GreaterThan(held, 0))
        elif value in CHANNELS:
            condition |= Q(**{f"{value}__isnull": False})
    return contacts.filter(condition)


def by_segment(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    """In each of the segments, of any type; a segment that there is not has nobody in it."""
    keeper = populations.current()
    try:
        for number in map(read_number, values):
            contacts = contacts & keeper.members(number)
    except ObjectDoesNotExist:
        return contacts.none()
    return contacts


def by_import(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    """Touched by one of the imports. Who was merged since is not among them; the import's segment has survivors."""
    touched = Change.objects.filter(import_id__in=[read_number(value) for value in values])
    return contacts.filter(pk__in=touched.values("contact_id"))


def by_moment(column: str, *, is_end: bool) -> Narrow:
    """From a day on, or up to the end of one; the last value counts."""

    def narrow_to(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
        moment = read_bound(values[-1], is_end=is_end)
        return contacts.filter(**{f"{column}__{'lt' if is_end else 'gte'}": moment}) if moment else contacts.none()

    return narrow_to


def by_text(contacts: QuerySet[Contact], values: list[str]) -> QuerySet[Contact]:
    """What the search box understands by the last of these."""
    return contacts.filter(search_for(values[-1]).condition)


def read_number(text: str) -> int:
    """The number, 0 where it can be none of ours."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def read_bound(text: str, *, is_end: bool) -> datetime | None:
    """When ``2026-11-22``, or ``-7d`` for seven days ago, begins by the account's calendar, or ends."""
    zone = read_account_zone()  # so that a page and a job mean the same days
    try:
        ago = DAYS_AGO.fullmatch(text)
        day = datetime.now(zone).date() - timedelta(days=int(ago[1])) if ago else date.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    inside = min(max(day, FIRST_DAY), LAST_DAY) + timedelta(days=int(is_end))
    return datetime.combine(inside, time.min, zone).astimezone(UTC)


LIST_CONDITIONS: Final[Mapping[str, Narrow]] = {
    "q": by_text,
    "state": by_state,
    **{name: by_having(column) for name, column in HAS_COLUMNS.items()},
    "channel": by_channel,
    "email_state": by_channel_state("email_state"),
    "phone_state": by_channel_state("phone_state"),
    "source": by_source,
    "segment": by_segment,
    "import": by_import,
    "created_from": by_moment("created_at", is_end=False),
    "created_to": by_moment("created_at", is_end=True),
    "changed_from": by_moment("updated_at", is_end=False),
    "changed_to": by_moment("updated_at", is_end=True),
}
"""Every condition of the list of contacts by the parameter of its address, but for those of custom fields."""


def narrow_list(contacts: QuerySet[Contact], name: str, values: list[str]) -> QuerySet[Contact]:
    """By one condition, with at least one value; raises ``UnknownCondition``."""
    if name in LIST_CONDITIONS:
        return LIST_CONDITIONS[name](contacts, values)
    if name.startswith(CUSTOM_PREFIX):
        return narrow_by_field(contacts, name, values)
    raise UnknownCondition(path=name)
