"""Two contacts side by side: what differs, what is the same, what of it can be picked, and what hangs from each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import populations
from contacts.admin.journal import show_moment, show_value
from contacts.admin.suggesting import Suggested, put_in_words
from contacts.admin.wording import KINDS, SOURCES, SYSTEM_LABELS, show_channel, word
from contacts.columns import SYSTEM_COLUMNS, Column, custom_column
from contacts.identity.absorb import EMPTY, LOSER, SURVIVOR
from contacts.identity.assessing import Party, read_parties
from contacts.identity.suggestions import advise
from contacts.keys import Kind
from contacts.models import Change, Contact, ContactState, CustomField, Identifier, Policy

__all__ = [
    "LEFT",
    "RIGHT",
    "SIDES",
    "Comparison",
    "Pair",
    "Row",
    "Shared",
    "Side",
    "compare",
    "name_apart",
    "read_pair",
    "read_picks",
    "turn_into_choices",
]

LEFT, RIGHT = "left", "right"
SIDES: Final = (LEFT, RIGHT)
PICK: Final = "pick."
"""What the names of the fields' choices begin with."""
COUNTED: Final = 1_000
CHANGES: Final = 300
IDENTIFIERS_SHOWN: Final = 30
ORDER: Final = (
    "external_id", "email", "phone", "contact_key", "first_name", "last_name", "language_code", "time_zone",
    "region", "town", "address", "postcode",
)  # fmt: skip
CHANNELS: Final = {"email": "email_state", "phone": "phone_state"}
NOTES: Final[dict[str, Any]] = {
    "external_id": gettext_lazy("Both find the contact afterwards; the picked one stands on it."),
    "email": gettext_lazy("Both stay; the picked one is written to."),
    "phone": gettext_lazy("Both stay; the picked one is called."),
}
WROTE: Final[dict[str, Any]] = {
    "user": gettext_lazy("by hand"),
    "key": gettext_lazy("by the API"),
    "import": gettext_lazy("by an import"),
    "tracker": gettext_lazy("by tracking"),
    "rule": gettext_lazy("by a rule"),
    "page": gettext_lazy("by a link in a message"),
    "command": gettext_lazy("by a command"),
}
KEY_NOTE: Final = gettext_lazy("Both find the contact afterwards.")

HeldBy = dict[int, list[tuple[int, str]]]


class Pair(NamedTuple):
    """Both contacts, the identifiers that they hold, and the account's custom fields."""

    left: Party
    right: Party
    held: HeldBy
    definitions: Sequence[CustomField]

    @property
    def parties(self) -> tuple[Party, Party]:
        return self.left, self.right


class Shared(NamedTuple):
    """An open case that both are in; ``is_just_these`` where nobody else is."""

    id: int
    kind: int
    value: str
    is_just_these: bool


@dataclass(frozen=True, slots=True)
class Value:
    """What one side has in a field; ``told`` is since when, and by whom."""

    shown: str | SafeString
    is_blank: bool
    can_be_picked: bool
    told: str = ""
    is_newest: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One field of both. ``name`` is that of its choice in the form, ``picked`` the side that is chosen."""

    key: str
    label: str
    values: tuple[Value, Value]
    picked: str
    note: str = ""

    @property
    def name(self) -> str:
        return PICK + self.key

    @property
    def cells(self) -> Iterator[tuple[str, Value, bool]]:
        """(side, value, whether it is picked)."""
        for side, value in zip(SIDES, self.values, strict=True):
            yield side, value, side == self.picked


@dataclass(slots=True)
class Side:
    """One of the two: the sheet, what hangs from it, and whether it may stay."""

    name: str
    title: str
    contact: Contact
    is_kept: bool
    may_stay: bool
    figures: list[tuple[str, str]]
    moves: list[str]
    identifiers: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that the page shows. ``differing`` come first, ``same`` are folded away."""

    sides: tuple[Side, Side]
    differing: list[Row]
    same: list[tuple[str, str | SafeString]]
    suggested: Suggested
    has_two_external_ids: bool
    kept: str
    shared: Shared | None

    @property
    def survivor(self) -> Side:
        return self.sides[SIDES.index(self.kept)]

    @property
    def loser(self) -> Side:
        return self.sides[1 - SIDES.index(self.kept)]


class Rows(NamedTuple):
    """How much hangs from a contact beside what stands on it."""

    events: int
    merges: int


class Told(NamedTuple):
    """When a field was written last, and by whom."""

    at: datetime
    by: str


def read_pair(left: int, right: int) -> Pair | None:
    """Both, where both are there; merged ids mean their survivors. Three statements."""
    definitions = list(
        CustomField.objects.annotate(is_birthday=Exists(Policy.objects.filter(birthday_field=OuterRef("pk")))).order_by(
            "group", "label"
        )
    )
    birthday = next((one.key for one in definitions if one.is_birthday), "")
    for ids in _as_named_or_survived(left, right):
        held = _read_held(ids)
        parties = read_parties(ids, birthday=birthday, held={pk: _by_kind(rows) for pk, rows in held.items()})
        if all(pk in parties for pk in ids):
            return Pair(parties[ids[0]], parties[ids[1]], held, definitions)
    return None


def _as_named_or_survived(left: int, right: int) -> Iterator[tuple[int, int]]:
    yield left, right
    merged = Contact.objects.filter(pk__in=(left, right), state=ContactState.MERGED)
    survivors = dict(merged.values_list("pk", "merged_into_id"))
    if survivors:
        yield survivors.get(left) or left, survivors.get(right) or right


def _by_kind(rows: Iterable[tuple[int, str]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for kind, value in rows:
        found.setdefault(kind, set()).add(value)
    return found


def compare(pair: Pair, *, keep: str = "", picks: Mapping[str, str] | None = None, with_segments: bool) -> Comparison:
    """Compare two; ``keep`` is the side that stays, the suggested one unless given, ``picks`` the side by field."""
    suggested = put_in_words(advise([party.facts for party in pair.parties]))
    kept = _choose_kept(pair, keep, suggested)
    columns = _columns(pair.definitions)
    values = {key: tuple(_read(party.contact, column) for party in pair.parties) for key, column in columns.items()}
    differing = [key for key, (left, right) in values.items() if left != right]
    since = _read_since(pair.parties, differing)
    rows = [_row(columns[key], pair, values[key], since[key], kept, picks or {}) for key in differing]
    same = [
        (_label(column), _show(pair.left.contact, column, values[key][0]))
        for key, column in columns.items()
        if key not in differing and not _is_blank(values[key][0])
    ]
    rows_of, shared = _count_rows([party.contact.pk for party in pair.parties])
    sides = _read_sides(pair, kept, rows_of, with_segments=with_segments)
    has_two = all(party.facts.external_ids for party in pair.parties)
    return Comparison(sides, rows, same, suggested, has_two, kept, shared)


def _choose_kept(pair: Pair, keep: str, suggested: Suggested) -> str:
    if keep in SIDES and pair.parties[SIDES.index(keep)].facts.is_active:
        return keep
    return LEFT if pair.left.contact.pk == suggested.survivor_id else RIGHT


# Fields


def _columns(definitions: Iterable[CustomField]) -> dict[str, Column]:
    """What can be picked, in the order of the sheet, then the custom fields by group."""
    system = {column.key: column for column in SYSTEM_COLUMNS if column.write}
    ordered = [system.pop(key) for key in ORDER if key in system] + list(system.values())
    custom = [custom_column(definition) for definition in definitions]
    return {column.key: column for column in (*ordered, *custom)}


def _label(column: Column) -> str:
    return column.label if column.is_custom else word(SYSTEM_LABELS, column.key)


def _read(contact: Contact, column: Column) -> Any:
    value = contact.attributes.get(column.custom_key) if column.is_custom else getattr(contact, column.key)
    return None if _is_blank(value) else value


def _is_blank(value: Any) -> bool:
    return value is None or value in ("", [])


def _show(contact: Contact, column: Column, value: Any) -> str | SafeString:
    if column.key in CHANNELS:
        return show_channel(value, getattr(contact, CHANNELS[column.key]))
    return show_value(column.key, value)


def _row(
    column: Column,
    pair: Pair,
    values: Sequence[Any],
    since: tuple[Told | None, Told | None],
    kept: str,
    picks: Mapping[str, str],
) -> Row:
    moments = [told.at if told else None for told in since]
    newest = max((at for at in moments if at is not None), default=None)
    cells = tuple(
        Value(
            shown=_show(party.contact, column, value),
            is_blank=_is_blank(value),
            can_be_picked=not (_is_blank(value) and column.may_be_key),
            told=_tell(told),
            is_newest=told is not None and told.at == newest,
        )
        for party, value, told in zip(pair.parties, values, since, strict=True)
    )
    note = NOTES.get(column.key, KEY_NOTE if column.may_be_key else "")
    both = not any(cell.is_blank for cell in cells)
    return Row(
        column.key, _label(column), (cells[0], cells[1]), _picked(column, cells, kept, picks), str(note) if both else ""
    )


def _picked(column: Column, cells: Sequence[Value], kept: str, picks: Mapping[str, str]) -> str:
    """What was picked; at first the survivor's, and the other one's where it has none."""
    wanted = picks.get(column.key, "")
    if wanted in SIDES and cells[SIDES.index(wanted)].can_be_picked:
        return wanted
    return _other(kept) if cells[SIDES.index(kept)].is_blank else kept


def _other(side: str) -> str:
    return RIGHT if side == LEFT else LEFT


# Since when


def _tell(told: Told | None) -> str:
    if told is None:
        return ""
    return _("{when}, {who}").format(when=show_moment(told.at), who=told.by)


def _read_since(parties: Sequence[Party], keys: Iterable[str]) -> dict[str, tuple[Told | None, Told | None]]:
    """By field when each of the two got its value, of the newest changes of each; one statement."""
    wanted = set(keys)
    found: dict[int, dict[str, Told]] = {party.contact.pk: {} for party in parties}
    pages = [
        Change.objects.filter(contact_id=pk)
        .order_by("-pk")
        .values_list("contact_id", "pk", "at", "by", "after")[:CHANGES]
        for pk in found
    ]
    for contact_id, _pk, at, by, after in sorted(pages[0].union(*pages[1:], all=True), reverse=True, key=_second):
        for key in after or () if wanted else ():
            found[contact_id].setdefault(key, Told(at, _name_source(by)))
    left, right = found.values()
    return {key: (left.get(key), right.get(key)) for key in wanted}


def _second(row: Sequence[Any]) -> Any:
    return row[1]


def _name_source(by: str) -> str:
    """Whoever wrote it, as a kind: names would cost a statement each."""
    return word(WROTE, by.partition(":")[0])


# What hangs from each


def name_apart(*contacts: Contact) -> tuple[str, ...]:
    """The names of contacts, with their ids where a name alone would not tell which one is meant."""
    names = [str(contact) for contact in contacts]
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{name} ({contact.pk})" for name, contact in zip(names, contacts, strict=True))


def _read_sides(pair: Pair, kept: str, rows: dict[int, Rows], *, with_segments: bool) -> tuple[Side, Side]:
    groups = populations.current().groups_of_each(list(rows)) if with_segments else None
    titles = name_apart(*(party.contact for party in pair.parties))
    left, right = (
        _side(
            side,
            title,
            party.contact,
            kept,
            pair.held[party.contact.pk],
            rows[party.contact.pk],
            None if groups is None else [group.name for group in groups[party.contact.pk]],
        )
        for side, title, party in zip(SIDES, titles, pair.parties, strict=True)
    )
    return left, right


def _side(
    name: str,
    title: str,
    contact: Contact,
    kept: str,
    held: list[tuple[int, str]],
    rows: Rows,
    groups: list[str] | None,
) -> Side:
    return Side(
        name=name,
        title=title,
        contact=contact,
        is_kept=name == kept,
        may_stay=contact.state == ContactState.ACTIVE,
        figures=list(_figures(contact, held, rows, groups)),
        moves=[
            text.format(count=_at_most(count))
            for count, text in (
                (len(held), _("Identifiers: {count}")),
                (contact.order_count, _("Orders: {count}")),
                (rows.events, _("Events: {count}")),
                (len(groups or ()), _("Static segments: {count}")),
                (rows.merges, _("Contacts merged into it before: {count}")),
            )
            if count
        ],
        identifiers=[(word(KINDS, kind), value) for kind, value in held[:IDENTIFIERS_SHOWN]],
    )


def _figures(
    contact: Contact, held: list[tuple[int, str]], rows: Rows, groups: list[str] | None
) -> Iterator[tuple[str, str]]:
    yield _("Identifiers"), _at_most(len(held))
    yield _("Orders"), str(contact.order_count)
    yield _("Events"), _at_most(rows.events)
    if groups is not None:
        yield _("Static segments"), ", ".join(groups) or "0"
    yield _("Source"), word(SOURCES, contact.source)
    yield _("Created"), show_moment(contact.created_at)
    yield _("Last change"), show_moment(contact.updated_at)
    if contact.last_seen_at:
        yield _("Last seen"), show_moment(contact.last_seen_at)


def _at_most(count: int) -> str:
    return f"{COUNTED}+" if count > COUNTED else str(count)


_ROWS: Final = """
SELECT u.id,
    (SELECT count(*) FROM (SELECT FROM contacts_event WHERE contact_id = u.id LIMIT %(limit)s) e),
    (SELECT count(*) FROM (SELECT FROM contacts_contact WHERE merged_into_id = u.id LIMIT %(limit)s) m),
    c.id, c.kind, c.value, cardinality(c.contact_ids) = 2
FROM unnest(%(ids)s::bigint[]) AS u (id) LEFT JOIN (
    SELECT * FROM contacts_duplicatecase
    WHERE status = 'open' AND contact_ids @> %(ids)s::bigint[] ORDER BY id DESC LIMIT 1
) c ON true
"""


def _count_rows(ids: Sequence[int]) -> tuple[dict[int, Rows], Shared | None]:
    """Events, and contacts that were merged before, each at most ``COUNTED`` + 1; and the case that both are in."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"ids": list(ids), "limit": COUNTED + 1})
        found = cursor.fetchall()
    case = found[0][3:]
    return {row[0]: Rows(row[1], row[2]) for row in found}, Shared(*case) if case[0] is not None else None


def _read_held(ids: Sequence[int]) -> HeldBy:
    """By contact its identifiers by kind, the permanent ones first, of both at most ``COUNTED`` + 1; one statement."""
    found: HeldBy = {pk: [] for pk in ids}
    rows = Identifier.objects.filter(contact_id__in=ids).exclude(kind=Kind.ORDER).order_by("kind", "value")
    for contact_id, kind, value in rows.values_list("contact_id", "kind", "value")[: COUNTED + 1]:
        found[contact_id].append((kind, value))
    return found


# What was picked


def read_picks(data: Mapping[str, Any]) -> dict[str, str]:
    """By field the side that a form names; what is neither is nothing."""
    return {
        name.removeprefix(PICK): str(side) for name, side in data.items() if name.startswith(PICK) and side in SIDES
    }


def turn_into_choices(comparison: Comparison) -> dict[str, str]:
    """The picks of a comparison as the verb takes them."""
    choices = {}
    for row in comparison.differing:
        value = row.values[SIDES.index(row.picked)]
        choices[row.key] = EMPTY if value.is_blank else SURVIVOR if row.picked == comparison.kept else LOSER
    return choices
