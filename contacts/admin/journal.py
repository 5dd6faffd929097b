"""The journal as people read it: when, who, what, old and new, how the record found this contact, and whether it was
taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.actors import Actor, name_actors
from contacts.admin.wording import KINDS, MATCHED_BY, RULES, SYSTEM_LABELS, link_contact, word
from contacts.identity.changes import TakenBackBy, find_taken_back
from contacts.identity.letting_go import field_of
from contacts.identity.revert import IDENTIFIERS, PARTS, key_of_note
from contacts.keys import Kind
from contacts.models import Change, ChangeKind, ChannelState, ContactState, Import
from crm.admin.moments import show_moment

__all__ = [
    "Entry",
    "Imported",
    "Line",
    "read_entry",
    "read_history",
    "read_lines",
    "read_notes",
    "show_moment",
    "show_value",
]

PAGE: Final = 25
LONGEST_SHOWN: Final = 300
LONGEST_IDENTIFIER: Final = 80
PLACES: Final = {column: place for place, column in enumerate(SYSTEM_LABELS)}
"""In this order columns are told; custom ones come last."""
SILENT: Final = frozenset({"merged_into_id", "made_deliberately"})
"""Columns whose change is said by the kind of the entry."""
PLAIN_RULES: Final = frozenset({"L1", "L9"})
"""Rules that nearly every change has: named, but not explained again and again."""
KIND_OF_SLUG: Final = {kind.slug: kind for kind in Kind}
ERASED: Final = "erased"
STAYS: Final = frozenset({ChangeKind.ERASED, ChangeKind.UNMERGED})
"""Kinds that are not taken back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field: its label, what it was and what it is."""

    label: str
    before: str | SafeString
    after: str | SafeString


@dataclass(frozen=True, slots=True)
class Imported:
    """The file that brought a change: how it was called, who started its import and when."""

    id: int
    file_name: str
    actor: Actor
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one contact."""

    id: int
    at: datetime
    actor: Actor
    kind: str
    title: str
    matched_by: str
    rule: str
    rule_says: str
    explains: bool
    notes: list[SafeString]
    lines: list[Line]
    imported: Imported | None = None
    undone: Undone | None = None
    has_values: bool = False

    @property
    def may_be_taken_back(self) -> bool:
        """Whether something of it may be left to take back."""
        return self.has_values and self.kind not in STAYS and not (self.undone and self.undone.is_whole)


@dataclass(frozen=True, slots=True)
class Undone:
    """Who took a change back, and when; ``is_whole`` where nothing of it was left alone."""

    actor: Actor
    at: datetime
    is_whole: bool


def read_history(
    contact_id: int, *, labels: Mapping[str, str], before: int | None = None, kind: str = ""
) -> tuple[list[Entry], int | None]:
    """A page of the contact's journal, the newest first, and the id to go on before, None at the end.

    ``labels`` names the custom columns, ``kind`` the only kind that is wanted.
    """
    changes = Change.objects.filter(contact_id=contact_id).order_by("-pk")
    if before is not None:
        changes = changes.filter(pk__lt=before)
    if kind:
        changes = changes.filter(kind=kind)
    found = list(changes[: PAGE + 1])
    page = found[:PAGE]
    return _read_entries(page, labels), page[-1].pk if len(found) > PAGE else None


def read_entry(change: Change, *, labels: Mapping[str, str]) -> Entry:
    """One change."""
    return _read_entries([change], labels)[0]


def _read_entries(page: Sequence[Change], labels: Mapping[str, str]) -> list[Entry]:
    runs = _read_imports(page)
    taken = find_taken_back(page[0].contact_id, [change.pk for change in page]) if page else {}
    actors = (*(change.by for change in page), *(run.by for run in runs.values()), *(by.by for by in taken.values()))
    names = name_actors(actors)
    imported = {run.pk: Imported(run.pk, run.file_name, names[run.by], run.started_at) for run in runs.values()}
    entries = [_read_entry(change, names[change.by], labels, imported.get(_import_of(change) or 0)) for change in page]
    return [
        replace(entry, undone=_read_undone(change, by, names)) if (by := taken.get(change.pk)) else entry
        for entry, change in zip(entries, page, strict=True)
    ]


def _read_undone(change: Change, by: TakenBackBy, names: Mapping[str, Actor]) -> Undone:
    return Undone(names[by.by], by.at, {*(change.after or ())} - PARTS <= by.columns)


def _read_imports(changes: Iterable[Change]) -> dict[int, Import]:
    ids = {import_id for change in changes if (import_id := _import_of(change)) is not None}
    return Import.objects.only("file_name", "by", "started_at").in_bulk(ids) if ids else {}


def _import_of(change: Change) -> int | None:
    """The import that did it, or that was taken back by it."""
    return change.import_id or (change.details or {}).get("import")


def _read_entry(change: Change, actor: Actor, labels: Mapping[str, str], imported: Imported | None) -> Entry:
    details = change.details or {}
    rule = str(details.get("rule", ""))
    return Entry(
        id=change.pk,
        at=change.at,
        actor=actor,
        kind=change.kind,
        title=change.get_kind_display().capitalize(),
        matched_by=word(MATCHED_BY, change.matched_by) if change.matched_by else "",
        rule=rule,
        rule_says=word(RULES, rule) if rule in RULES else "",
        explains=rule in RULES and rule not in PLAIN_RULES,
        notes=list(read_notes(details)),
        lines=read_lines(change.before or {}, change.after or {}, labels),
        imported=imported,
        has_values=bool(change.before or change.after),
    )


def read_notes(details: Mapping[str, Any]) -> Iterable[SafeString]:
    """What else took part in it, with links."""
    texts = {
        "loser": _("Contact {contact} was merged into this one."),
        "survivor": _("Merged into contact {contact}."),
        "migrated_to": _("An identifier went to contact {contact}."),
        "migrated_from": _("An identifier came from contact {contact}."),
    }
    for key, text in texts.items():
        ids = details.get(key, ())
        for contact_id in ids if isinstance(ids, list) else [ids]:
            if isinstance(contact_id, int):
                yield format_html(text, contact=link_contact(contact_id))


def read_lines(before: Mapping[str, Any], after: Mapping[str, Any], labels: Mapping[str, str]) -> list[Line]:
    """What changed, by field; of identifiers those that stand in no field."""
    before, after = (_without_fields(side, {*before, *after}) for side in (before, after))
    columns = sorted({*after, *before} - SILENT, key=lambda column: (PLACES.get(column, len(PLACES)), column))
    return [
        Line(
            labels.get(column) or word(SYSTEM_LABELS, column.removeprefix("fields.")),
            show_value(column, before.get(column)),
            show_value(column, after.get(column)),
        )
        for column in columns
    ]


def _without_fields(side: Mapping[str, Any], columns: Collection[str]) -> Mapping[str, Any]:
    """Without the identifiers whose field is told anyway."""
    notes = side.get(IDENTIFIERS)
    if not isinstance(notes, list):
        return side
    left = [note for note in notes if field_of(key_of_note(note)) not in columns]
    told = {column: value for column, value in side.items() if column != IDENTIFIERS}
    return told | {IDENTIFIERS: left} if left else told


def show_value(column: str, value: Any) -> str | SafeString:
    """A value of the journal or of a contact, for people."""
    if value is None or value in ("", []):
        return "—"
    if value == ERASED:
        return _("erased")
    if column == "state":
        return word(dict(ContactState.choices), value)
    if column in ("email_state", "phone_state"):
        return word(dict(ChannelState.choices), value)
    if column == IDENTIFIERS:
        shown = (
            (word(KINDS, KIND_OF_SLUG.get(slug)), _shorten(text, LONGEST_IDENTIFIER)) for slug, _app, text in value
        )
        return format_html_join(", ", "{} {}", shown)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return _shorten(_show_text(value))


def _show_text(value: Any) -> str:
    text = str(value)
    moment = parse_datetime(text) if isinstance(value, str) and len(text) > 18 and text[4:5] == "-" else None
    return show_moment(moment) if moment is not None else text


def _shorten(text: str, longest: int = LONGEST_SHOWN) -> str:
    return text if len(text) <= longest else text[:longest] + "…"
