"""A batch of records as the write path takes it fastest: prepared by columns, where the records are read (pure).

Most rows of a file are *plain*: a valid external ID, email, phone or custom key and fields, each identifier carried by
no other row of the batch. For them a sheaf holds what is to be looked up, what is to be compared, and the rows of the
tables as COPY's binary format has them, up to the id and what the whole batch shares. Whoever resolves them (see
``contacts.identity.plain``) joins bytes. All others are records as ever, and so are these when a rule has to judge.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from struct import Struct
from typing import Any, Final, NamedTuple, overload

import orjson

from contacts.columns import SYSTEM_COLUMNS
from contacts.keys import Kind, kinds_of_key
from contacts.records import Problem, Record

__all__ = [
    "CHANGE_COLUMNS",
    "CONTACT_COLUMNS",
    "IDENTIFIER_COLUMNS",
    "Sheaf",
    "Tier",
    "bigint_field",
    "digest_of",
    "null_field",
    "text_field",
]

TEXT_COLUMNS: Final = tuple(column.key for column in SYSTEM_COLUMNS if column.write and column.key != "id")
IDENTITY: Final = ("external_id", "email", "phone")
CONTACT_COLUMNS: Final = ("id", *TEXT_COLUMNS, "attributes", "identifier_kinds")
"""The columns of a new contact that its fragment holds, after the id; those that a batch shares follow."""
IDENTIFIER_COLUMNS: Final = ("kind", "app", "value")
CHANGE_COLUMNS: Final = ("contact_id", "after")
HAS_EMAIL, HAS_PHONE, HAS_CUSTOM, HAS_NUMBERS, CLEARS = 1, 2, 4, 8, 16
"""Traits of a row: it carries an email, a phone, a custom key, custom fields that are no text, an empty cell."""

_LENGTH: Final = Struct(">i").pack
_BIGINT: Final = Struct(">iq").pack
_SMALLINT: Final = Struct(">ih").pack
_INTEGER: Final = Struct(">ii").pack
_JSON_VERSION: Final = b"\x01"

EXTERNAL_ID: Final = int(Kind.EXTERNAL_ID)
CUSTOM: Final = int(Kind.CUSTOM)
ADDRESSES: Final = (int(Kind.EMAIL), int(Kind.PHONE))

Packed = tuple[Any, ...]


def text_field(text: str) -> bytes:
    """A text as a field of a binary row."""
    data = text.encode()
    return _LENGTH(len(data)) + data


def bigint_field(number: int) -> bytes:
    return _BIGINT(8, number)


def null_field() -> bytes:
    return _LENGTH(-1)


def digest_of(value: str, key: bytes) -> bytes:
    """The keyed hash by which an email (compare form) or phone is kept on the suppression list."""
    return hashlib.blake2b(value.encode(), key=key, digest_size=16).digest()


class Columns(NamedTuple):
    """What a sheaf holds beside its records; lists by row, or pairs of a row and something of it.

    ``settled_by`` is the identifier that alone decides who a row is, by kind and value (0 and '': none does, the row is
    not plain). ``others`` are its further identifiers. ``expected`` are the values of ``compared`` columns, None where
    the row carries none. ``meets_previous``: the row has an identifier of the sheaf before.
    """

    refs: list[Any]
    settled_kinds: list[int]
    settled_values: list[str]
    other_rows: list[int]
    other_values: list[str]
    digest_rows: list[int]
    digests: list[bytes]
    compared: tuple[str, ...]
    expected: list[tuple[Any, ...]]
    attributes: list[dict[str, Any]]
    traits: list[int]
    contacts: list[bytes]
    changes: list[bytes]
    identifier_rows: list[int]
    identifiers: list[bytes]
    meets_previous: list[bool]


class Sheaf(Sequence[Record]):
    """The records of a batch, unpacked when somebody asks for one, and their ``Columns``."""

    def __init__(self, columns: Columns, packed: bytes) -> None:
        self.columns = columns
        self.packed = packed

    @classmethod
    def received(cls, message: tuple[tuple[Any, ...], bytes]) -> Sheaf:
        """A sheaf as ``message`` made it, on the other side of a pipe."""
        columns, packed = message
        return cls(Columns(*columns), packed)

    @property
    def message(self) -> tuple[tuple[Any, ...], bytes]:
        """The sheaf in plain types, which marshal takes."""
        return tuple(self.columns), self.packed

    @cached_property
    def records(self) -> list[Record]:
        return [unpack(packed) for packed in marshal.loads(self.packed)]  # noqa: S302 (from our own process)

    @property
    def refs(self) -> list[Any]:
        return self.columns.refs

    def __len__(self) -> int:
        return len(self.columns.refs)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        return self.records[place]


class Tier:
    """Ties sheaves, one after another; ``key`` is the one that rows are matched by (see ``keys.KEYS``)."""

    def __init__(self, key: str, digest_key: bytes) -> None:
        self.kinds = [int(kind) for kind in kinds_of_key(key) if kind <= Kind.CUSTOM]
        self.digest_key = digest_key
        self.previous: dict[str, int] = {}

    def tie(self, records: Sequence[Record]) -> Sheaf:
        settled = [self.settling_key(record) for record in records]
        holders: dict[str, int] = {}
        crowded: set[int] = set()
        for row, record in enumerate(records):
            for key in record.identifiers:
                other = holders.setdefault(key[2], row)
                if other != row:
                    crowded.update((row, other))
        for row in crowded:
            settled[row] = None
        previous, self.previous = self.previous, holders
        meets = [any(key[2] in previous for key in record.identifiers) for record in records] if previous else []
        columns = _lay_out(records, settled, meets or [False] * len(records), self.digest_key)
        return Sheaf(columns, marshal.dumps([pack(record) for record in records]))

    def settling_key(self, record: Record) -> tuple[int, str, str] | None:
        """What decides who a plain record is, where somebody has it: its external ID, else its chosen key."""
        keys = record.identifiers
        if (
            not keys
            or record.problems
            or record.warnings
            or record.details
            or record.contact_id is not None
            or keys[-1][0] > CUSTOM
        ):
            return None
        if keys[0][0] == EXTERNAL_ID:
            return keys[0] if record.external_id is not None else None
        for kind in self.kinds:
            for key in keys:
                if key[0] == kind:
                    return None if kind == CUSTOM else key
        return None


def _lay_out(
    records: Sequence[Record], settled: Sequence[tuple[int, str, str] | None], meets: list[bool], digest_key: bytes
) -> Columns:
    plain = [record if key else _NOBODY for record, key in zip(records, settled, strict=True)]
    keys = [(row, key) for row, record in enumerate(plain) for key in record.identifiers]
    others = [(row, key) for row, key in keys if key is not settled[row]]
    addresses = [(row, key) for row, key in keys if key[0] in ADDRESSES]
    compared = (*IDENTITY, *sorted({name for record in plain for name in record.fields}))
    expected = _expected(plain, compared)
    return Columns(
        refs=[record.ref for record in records],
        settled_kinds=[key[0] if key else 0 for key in settled],
        settled_values=[key[2] if key else "" for key in settled],
        other_rows=[row for row, _ in others],
        other_values=[key[2] for _, key in others],
        digest_rows=[row for row, _ in addresses],
        digests=[digest_of(key[2], digest_key) for _, key in addresses],
        compared=compared,
        expected=expected,
        attributes=[record.attributes for record in plain],
        traits=[_traits_of(record) for record in plain],
        contacts=_contact_fragments(plain, dict(zip(compared, zip(*expected, strict=True), strict=True))),
        changes=[_json_field(after_of(record)) for record in plain],
        identifier_rows=[row for row, _ in keys],
        identifiers=_identifier_fragments(key for _, key in keys),
        meets_previous=meets,
    )


_NOBODY: Final = Record()


def _traits_of(record: Record) -> int:
    keys = record.identifiers
    return (
        (record.email is not None) * HAS_EMAIL
        | (record.phone is not None) * HAS_PHONE
        | (bool(keys) and keys[-1][0] == CUSTOM) * HAS_CUSTOM
        | any(value.__class__ is not str for value in record.attributes.values()) * HAS_NUMBERS
        | bool(record.cleared) * CLEARS
    )


def _expected(records: Sequence[Record], compared: Sequence[str]) -> list[tuple[Any, ...]]:
    names = compared[len(IDENTITY) :]
    columns: list[list[Any]] = [
        [record.external_id for record in records],
        [record.email for record in records],
        [record.phone for record in records],
    ]
    columns += [[record.fields.get(name) for record in records] for name in names]
    return list(zip(*columns, strict=True))


def after_of(record: Record) -> dict[str, Any]:
    """What the journal says of a contact that is made of one plain record alone."""
    after = dict(record.fields)
    if record.external_id is not None:
        after["external_id"] = record.external_id
    if record.email is not None:
        after["email"] = record.email
    if record.phone is not None:
        after["phone"] = record.phone
    for key, value in record.attributes.items():
        after[f"fields.{key}"] = value
    return after


def _json_field(value: dict[str, Any]) -> bytes:
    data = orjson.dumps(value)
    return _LENGTH(len(data) + 1) + _JSON_VERSION + data


def _contact_fragments(records: Sequence[Record], values: dict[str, Sequence[Any]]) -> list[bytes]:
    null = null_field()
    columns: list[Sequence[bytes]] = []
    for name in TEXT_COLUMNS:
        if name in values:
            columns.append([null if text is None else text_field(text) for text in values[name]])
        elif columns and len(set(columns[-1])) == 1:
            columns[-1] = [columns[-1][0] + null] * len(records)
        else:
            columns.append([null] * len(records))
    columns.append([_json_field(record.attributes) for record in records])
    columns.append([_INTEGER(4, _mask_of(record)) for record in records])
    return [b"".join(parts) for parts in zip(*columns, strict=True)]


def _mask_of(record: Record) -> int:
    mask = 0
    for key in record.identifiers:
        mask |= 1 << key[0]
    return mask


def _identifier_fragments(keys: Iterable[tuple[int, str, str]]) -> list[bytes]:
    heads: dict[tuple[int, str], bytes] = {}
    fragments = []
    for kind, app, value in keys:
        head = heads.get((kind, app))
        if head is None:
            head = heads[kind, app] = _SMALLINT(2, kind) + text_field(app)
        fragments.append(head + text_field(value))
    return fragments


def pack(record: Record) -> Packed:
    problems, warnings = record.problems, record.warnings
    return (
        record.ref,
        record.contact_id,
        record.external_id,
        record.email,
        record.phone,
        record.identifiers,
        record.details,
        record.fields,
        record.attributes,
        record.cleared,
        problems and tuple(map(tuple, problems)),
        warnings and tuple(map(tuple, warnings)),
        record.consent,
    )


def unpack(packed: Packed) -> Record:
    record = Record(*packed)
    if record.problems or record.warnings:
        record.problems = tuple(Problem(*problem) for problem in record.problems)
        record.warnings = tuple(Problem(*warning) for warning in record.warnings)
    return record
