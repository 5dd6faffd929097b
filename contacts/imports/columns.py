"""Headers → columns of the registry or kinds of identifiers (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from contacts.columns import CUSTOM_PREFIX, Column, column_of_header
from contacts.imports.errors import (
    ColumnNotWritable,
    ColumnTwice,
    ImportRefused,
    KeyColumnMissing,
    MappingIncomplete,
    UnknownColumn,
    UnknownKey,
    UnknownTarget,
    UnnamedColumn,
)
from contacts.keys import KEYS
from contacts.normalize import KIND_OF_SLUG
from crm.errors import CardfileError, Refused

__all__ = [
    "CONSENT",
    "ERROR_HEADERS",
    "SKIP",
    "Layout",
    "guess_key",
    "guess_targets",
    "lay_out",
    "lay_out_mapping",
    "target_of",
]

COLUMNS_OF_KEY: Final = {
    "external_id": ("external_id",),
    "email": ("email",),
    "phone": ("phone",),
    "email_or_phone": ("phone", "email"),
    "id": ("id",),
    "push": ("mobile_push",),
    "web_push": ("web_push",),
}
"""Keys with the columns of which one at least must be in the file; any other key is a field's own."""


SKIP: Final = ""
"""The target of a column that is left out."""
CONSENT: Final = "consent"
"""The target of a column whose yes or no gives or withdraws consent."""
ERROR_HEADERS: Final = ("Import row", "Import errors")
"""What a file of bad rows has beside the columns of the file that they are from; they are left out again."""


class Layout(NamedTuple):
    """What each column of a file means: a column's key (``email``, ``fields.size``), a kind's slug (``device``),
    ``consent``, or nothing."""

    headers: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def consent_place(self) -> int | None:
        """Where consent is said, if it is."""
        return self.targets.index(CONSENT) if CONSENT in self.targets else None

    def raw_maker(self) -> Callable[[Sequence[str]], dict[str, Any]]:
        """Cells → the raw record that ``contacts.normalize`` reads."""
        kept = [place for place, target in enumerate(self.targets) if target not in (SKIP, CONSENT)]
        targets = tuple(self.targets[place] for place in kept)
        make = _dict_maker(targets, kept, len(self.targets))
        slugs = [target for target in targets if target in KIND_OF_SLUG]
        if not slugs:
            return make

        def make_with_identifiers(cells: Sequence[str]) -> dict[str, Any]:
            raw = make(cells)
            raw["identifiers"] = [{"kind": slug, "value": raw.pop(slug)} for slug in slugs]
            return raw

        return make_with_identifiers

    def header_of(self, column: str) -> str:
        """The header, as the file has it, of a column that a problem names."""
        if column.startswith("identifiers["):
            kinds = [header for header, slug in zip(self.headers, self.targets, strict=True) if slug in KIND_OF_SLUG]
            return kinds[int(column[len("identifiers[") : column.index("]")])]
        for wanted in (column, CUSTOM_PREFIX + column):
            if wanted and wanted in self.targets:
                return self.headers[self.targets.index(wanted)]
        return column


def _dict_maker(
    targets: tuple[str, ...], places: Sequence[int], width: int
) -> Callable[[Sequence[str]], dict[str, Any]]:
    if len(places) == width:
        return lambda cells: dict(zip(targets, cells, strict=True))
    return lambda cells: {target: cells[place] for target, place in zip(targets, places, strict=True)}


def guess_targets(headers: Sequence[str], columns: Iterable[Column]) -> list[str]:
    """What each column probably means; the first one of a name has it, what is unknown or read-only is left out.

    A bare “id” is rather somebody else's number than ours, so that it takes a person to say that it is.
    """
    known = tuple(columns)
    writable = {column.key for column in known if column.write} | set(KIND_OF_SLUG)
    guessed: list[str] = []
    for header in headers:
        target = target_of(header, known)
        if target == "id" and header.strip().lower() != "id":
            writable.add("id")
        usable = target is not None and target in writable and target not in guessed and header not in ERROR_HEADERS
        guessed.append(target if usable and target is not None else SKIP)
    return guessed


def guess_key(targets: Iterable[str], columns: Iterable[Column]) -> str:
    """The key that these targets suggest: external ID, email, phone, contact ID, else a field that can be a key."""
    mapped = set(targets)
    for key in ("external_id", "email", "phone", "id"):
        if key in mapped:
            return key
    return next((column.key for column in columns if column.may_be_key and column.key in mapped), "external_id")


def lay_out_mapping(headers: Sequence[str], targets: Sequence[str], columns: Iterable[Column], *, key: str) -> Layout:
    """What every column means, as a person said it. Raises Refused with all that is wrong, each with its path."""
    known = {column.key: column for column in columns}
    errors: list[CardfileError] = [*_refused_targets(headers, targets, known, key=key)]
    errors += _refused_key(targets, known, key=key)
    if errors:
        raise Refused(errors, errors[0].message)
    return Layout(tuple(headers), tuple(targets))


def _refused_targets(
    headers: Sequence[str], targets: Sequence[str], columns: Mapping[str, Column], *, key: str
) -> Iterator[ImportRefused]:
    if len(headers) != len(targets):
        yield MappingIncomplete(path="mapping")
        return
    first: dict[str, str] = {}
    for place, (header, target) in enumerate(zip(headers, targets, strict=True)):
        path = f"mapping.{place}"
        column = columns.get(target)
        if target == SKIP:
            continue
        if column is None and target not in KIND_OF_SLUG and target != CONSENT:
            yield UnknownTarget(path=path, target=target)
        elif target == "id" and key != "id":
            message = f"“{header}” names contacts by their ID. Match rows by the contact ID, or skip the column."
            yield ColumnNotWritable(message, path=path, column=target)
        elif column is not None and not column.write and target != "id":
            message = f"“{column.label}” is kept by the system and cannot be imported. Skip the column."
            yield ColumnNotWritable(message, path=path, column=target)
        elif target in first:
            name = column.label if column is not None else target
            message = f"“{first[target]}” and “{header}” both become “{name}”. Skip one of them."
            yield ColumnTwice(message, path=path, column=target)
        first.setdefault(target, header)


def _refused_key(targets: Sequence[str], columns: Mapping[str, Column], *, key: str) -> Iterator[ImportRefused]:
    try:
        wanted = _columns_of_key(key, tuple(columns.values()))
    except UnknownKey as error:
        error.path = "options.key"
        yield error
        return
    if not any(column in targets for column in wanted):
        names = " or ".join(f"“{columns[name].label if name in columns else name}”" for name in wanted)
        message = f"No column becomes {names}, by which rows are matched. Map one to it, or match by something else."
        yield KeyColumnMissing(message, path="options.key", columns=wanted)


def lay_out(headers: Sequence[str], columns: Iterable[Column], *, key: str) -> Layout:
    """What every column means. Raises what is wrong with the header as a whole, naming all columns that are."""
    known = tuple(columns)
    columns_of_key = _columns_of_key(key, known)
    _check_named(headers)
    targets = [SKIP if header in ERROR_HEADERS else target_of(header, known) for header in headers]
    _check_known(headers, targets, known)
    _check_once(headers, targets)
    _check_writable(headers, targets, known, key=key)
    if not any(column in targets for column in columns_of_key):
        wanted = " or ".join(f"“{column.removeprefix(CUSTOM_PREFIX)}”" for column in columns_of_key)
        message = f"The file has no column {wanted}, which the key “{key}” needs. Add it, or choose another key."
        raise KeyColumnMissing(message, path=key, columns=columns_of_key)
    return Layout(tuple(headers), tuple(target for target in targets if target is not None))


def target_of(header: str, columns: Iterable[Column]) -> str | None:
    """The column's key or the kind's slug that a header names, None if it names nothing."""
    if not header.strip():
        return None
    column = column_of_header(header, columns)
    if column is not None:
        return column.key
    slug = header.strip().lower().replace(" ", "_").replace("-", "_")
    return slug if slug in KIND_OF_SLUG else None


def _columns_of_key(key: str, columns: Sequence[Column]) -> tuple[str, ...]:
    if key in COLUMNS_OF_KEY:
        return COLUMNS_OF_KEY[key]
    custom = [column for column in columns if column.may_be_key and column.key not in KEYS]
    for column in custom:
        if key in (column.custom_key, column.key):
            return (column.key,)
    possible = ", ".join([*COLUMNS_OF_KEY, *(column.custom_key for column in custom)])
    raise UnknownKey(f"Contacts cannot be matched by “{key}”. Choose one of: {possible}.", path=key)


def _check_named(headers: Sequence[str]) -> None:
    unnamed = [place for place, header in enumerate(headers, 1) if not header.strip()]
    if unnamed:
        places = ", ".join(map(str, unnamed))
        message = f"The header names nothing in column {places}. Name the column, or remove it."
        raise UnnamedColumn(message, columns=unnamed)


def _check_known(headers: Sequence[str], targets: Sequence[str | None], columns: Sequence[Column]) -> None:
    unknown = [header for header, target in zip(headers, targets, strict=True) if target is None]
    if unknown:
        named = ", ".join(f"“{_short(header)}”" for header in unknown[:20])
        known = ", ".join([*(column.custom_key for column in columns if column.write), *sorted(KIND_OF_SLUG)])
        message = f"There is no column {named}. Correct the header, remove the column, or make a custom field first."
        raise UnknownColumn(f"{message} Known columns: {known}.", path=unknown[0], columns=unknown)


def _check_once(headers: Sequence[str], targets: Sequence[str | None]) -> None:
    first: dict[str | None, str] = {}
    for header, target in zip(headers, targets, strict=True):
        if target in first and target != SKIP:
            message = f"“{first[target]}” and “{header}” both name the column {target}. Keep one of them."
            raise ColumnTwice(message, path=header, column=target)
        first[target] = header


def _check_writable(
    headers: Sequence[str], targets: Sequence[str | None], columns: Sequence[Column], *, key: str
) -> None:
    fixed = {column.key for column in columns if not column.write}
    for header, target in zip(headers, targets, strict=True):
        if target == "id" and key != "id":
            message = f"“{header}” names contacts by their ID. Choose the key “id”, or remove the column."
            raise ColumnNotWritable(message, path=header, column=target)
        if target in fixed and target != "id":
            message = f"“{header}” is kept by the system and cannot be imported. Remove the column."
            raise ColumnNotWritable(message, path=header, column=target)


def _short(header: str) -> str:
    return header if len(header) <= 60 else header[:60] + "…"
