"""Headers → columns of the registry or kinds of identifiers (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from contacts.columns import CUSTOM_PREFIX, Column, column_of_header
from contacts.imports.errors import (
    ColumnNotWritable,
    ColumnTwice,
    KeyColumnMissing,
    UnknownColumn,
    UnknownKey,
    UnnamedColumn,
)
from contacts.keys import KEYS
from contacts.normalize import KIND_OF_SLUG

__all__ = ["Layout", "lay_out", "target_of"]

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


class Layout(NamedTuple):
    """What each column of a file means: a column's key (``email``, ``fields.size``) or a kind's slug (``device``)."""

    headers: tuple[str, ...]
    targets: tuple[str, ...]

    def raw_maker(self) -> Callable[[Sequence[str]], dict[str, Any]]:
        """Cells → the raw record that ``contacts.normalize`` reads."""
        targets = self.targets
        kinds = [(place, slug) for place, slug in enumerate(targets) if slug in KIND_OF_SLUG]
        if not kinds:
            return lambda cells: dict(zip(targets, cells, strict=True))

        def make(cells: Sequence[str]) -> dict[str, Any]:
            raw: dict[str, Any] = dict(zip(targets, cells, strict=True))
            raw["identifiers"] = [{"kind": slug, "value": raw.pop(slug)} for _, slug in kinds]
            return raw

        return make

    def header_of(self, column: str) -> str:
        """The header, as the file has it, of a column that a problem names."""
        if column.startswith("identifiers["):
            kinds = [header for header, slug in zip(self.headers, self.targets, strict=True) if slug in KIND_OF_SLUG]
            return kinds[int(column[len("identifiers[") : column.index("]")])]
        for wanted in (column, CUSTOM_PREFIX + column):
            if wanted in self.targets:
                return self.headers[self.targets.index(wanted)]
        return column


def lay_out(headers: Sequence[str], columns: Iterable[Column], *, key: str) -> Layout:
    """What every column means. Raises what is wrong with the header as a whole, naming all columns that are."""
    known = tuple(columns)
    columns_of_key = _columns_of_key(key, known)
    _check_named(headers)
    targets = [target_of(header, known) for header in headers]
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
        if target in first:
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
