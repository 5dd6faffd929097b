"""A batch of records as the write path takes it fastest: prepared by columns, where the records are read (pure).

Most rows of a file are *plain*: a valid external ID, email, phone or custom key and fields, each identifier carried by
no other row of the batch. For them a sheaf holds what is to be looked up, what is to be compared, and the rows of the
tables as COPY's binary format has them, up to the id and what the whole batch shares. Whoever resolves them (see
``contacts.identity.plain``) joins bytes. All others are records as ever, and so are these when a rule has to judge.
"""

from __future__ import annotations

import marshal
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from struct import Struct
from typing import Any, Final, NamedTuple, overload

import orjson

from contacts.columns import SYSTEM_COLUMNS
from contacts.keys import Kind, kinds_of_key
from contacts.normalize import clean_email
from contacts.records import Key, Problem, Record

__all__ = [
    "CHANGE_COLUMNS",
    "CONTACT_COLUMNS",
    "IDENTIFIER_COLUMNS",
    "IDENTITY",
    "Compared",
    "New",
    "Sheaf",
    "Tier",
    "after_of",
    "bigint_field",
    "integer_field",
    "json_field",
    "null_field",
    "pack",
    "smallint_field",
    "text_field",
    "unpack",
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
_NULL: Final = _LENGTH(-1)
_JSON_VERSION: Final = b"\x01"

EXTERNAL_ID: Final = int(Kind.EXTERNAL_ID)
EMAIL: Final = int(Kind.EMAIL)
PHONE: Final = int(Kind.PHONE)
CUSTOM: Final = int(Kind.CUSTOM)

Packed = tuple[Any, ...]


def text_field(text: str) -> bytes:
    """A text as a field of a binary row."""
    data = text.encode()
    return _LENGTH(len(data)) + data


def bigint_field(number: int) -> bytes:
    return _BIGINT(8, number)


def smallint_field(number: int) -> bytes:
    return _SMALLINT(2, number)


def integer_field(number: int) -> bytes:
    return _INTEGER(4, number)


def null_field() -> bytes:
    return _NULL


def json_field(value: dict[str, Any]) -> bytes:
    data = orjson.dumps(value)
    return _LENGTH(len(data) + 1) + _JSON_VERSION + data


class Compared(NamedTuple):
    """What a found contact is held against, by row: the values of ``columns``, None where none is carried."""

    columns: tuple[str, ...]
    expected: list[tuple[Any, ...]]
    attributes: list[dict[str, Any]]


class New(NamedTuple):
    """What plain rows are as new contacts.

    ``key_rows`` says whose the ``values`` and ``identifiers`` are, ``addresses`` which of them are emails and phones.
    """

    key_rows: list[int]
    values: list[str]
    identifiers: list[bytes]
    addresses: list[int]
    contacts: list[bytes]
    changes: list[bytes]


class Sheaf(Sequence[Record]):
    """The records of a batch, unpacked when somebody asks for one, and what was prepared of them.

    ``settled`` is the identifier that alone decides who a row is, by kind and value (0: none does, the row is not
    plain). ``meeting`` are the rows with an identifier of the sheaf before.
    """

    def __init__(
        self,
        refs: list[Any],
        settled: list[tuple[int, str]],
        traits: list[int],
        meeting: list[int],
        packed: dict[int, Packed],
        compared: bytes,
        new: bytes | None,
    ) -> None:
        self.refs = refs
        self.settled = settled
        self.traits = traits
        self.meeting = meeting
        self.packed = packed
        self.packed_compared = compared
        self.packed_new = new
        self.was_new_wanted = False

    @property
    def message(self) -> tuple[Any, ...]:
        """The sheaf in plain types, which marshal takes; ``Sheaf(*message)`` is it again."""
        return (
            self.refs,
            self.settled,
            self.traits,
            self.meeting,
            self.packed,
            self.packed_compared,
            self.packed_new,
        )

    @cached_property
    def records(self) -> list[Record]:
        return [self.record_of(row) for row in range(len(self))]

    def record_of(self, row: int) -> Record:
        """One record; an ordinary plain one is put together again from what it is compared by."""
        packed = self.packed.get(row)
        if packed is not None:
            return unpack(packed)
        values = dict(zip(self.compared.columns, self.compared.expected[row], strict=True))
        external_id, email, phone = (values.pop(name) for name in IDENTITY)
        keys: list[Key] = []
        if external_id is not None:
            keys.append((EXTERNAL_ID, "", external_id))
        if email is not None:
            keys.append((EMAIL, "", clean_email(email)[1]))
        if phone is not None:
            keys.append((PHONE, "", phone))
        return Record(
            self.refs[row],
            external_id=external_id,
            email=email,
            phone=phone,
            identifiers=tuple(keys),
            fields={name: value for name, value in values.items() if value is not None},
            attributes=dict(self.compared.attributes[row]),
        )

    @cached_property
    def compared(self) -> Compared:
        return Compared(*marshal.loads(self.packed_compared))  # noqa: S302 (from our own process)

    @cached_property
    def new(self) -> New:
        """The rows as new contacts; they are prepared now if the reader, told that none is wanted, did not."""
        self.was_new_wanted = True
        if self.packed_new is not None:
            return New(*marshal.loads(self.packed_new))  # noqa: S302 (from our own process)
        pairs = zip(self.records, self.settled, strict=True)
        plain = [record if kind else _NOBODY for record, (kind, _) in pairs]
        return _as_new(plain, self.compared)

    def cut(self, size: int) -> Iterator[Sheaf]:
        """The same records as smaller sheaves, one after the other."""
        if len(self) <= size:
            yield self
            return
        for start in range(0, len(self), size):
            yield Piece(self, start, min(start + size, len(self)))

    def __len__(self) -> int:
        return len(self.refs)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        return self.record_of(range(len(self))[place]) if isinstance(place, int) else self.records[place]


class Piece(Sheaf):
    """The rows of a sheaf from ``start`` to ``stop``, as one of their own.

    The piece before has no identifier of a plain row, since nobody else in the whole sheaf has it.
    """

    def __init__(self, whole: Sheaf, start: int, stop: int) -> None:
        settled = whole.settled[start:stop]
        not_plain = [row for row, key in enumerate(settled) if key == NOT_PLAIN]
        super().__init__(
            whole.refs[start:stop],
            settled,
            whole.traits[start:stop],
            not_plain if start else [row for row in whole.meeting if row < stop],
            {row - start: packed for row, packed in whole.packed.items() if start <= row < stop},
            b"",
            None,
        )
        self.whole = whole
        self.rows = slice(start, stop)

    @cached_property
    def compared(self) -> Compared:
        columns, expected, attributes = self.whole.compared
        return Compared(columns, expected[self.rows], attributes[self.rows])

    @cached_property
    def new(self) -> New:
        new, start = self.whole.new, self.rows.start
        keys = slice(*(bisect_left(new.key_rows, row) for row in (start, self.rows.stop)))
        places = slice(*(bisect_left(new.addresses, place) for place in (keys.start, keys.stop)))
        return New(
            key_rows=[row - start for row in new.key_rows[keys]],
            values=new.values[keys],
            identifiers=new.identifiers[keys],
            addresses=[place - keys.start for place in new.addresses[places]],
            contacts=new.contacts[self.rows],
            changes=new.changes[self.rows],
        )


class Tier:
    """Ties sheaves, one after another; ``key`` is the one that rows are matched by (see ``keys.KEYS``).

    ``prepares_new``: most rows are expected to be new contacts.
    """

    def __init__(self, key: str) -> None:
        self.kinds = [int(kind) for kind in kinds_of_key(key) if kind <= Kind.CUSTOM]
        self.prepares_new = True
        self.previous: frozenset[str] = frozenset()

    def tie(self, records: Sequence[Record]) -> Sheaf:
        settled = [self.settling_key(record) for record in records]
        values = [key[2] for record in records for key in record.identifiers]
        distinct = frozenset(values)
        if len(distinct) < len(values):
            for row in _crowded(records):
                settled[row] = None
        previous, self.previous = self.previous, distinct
        meeting = [] if previous.isdisjoint(distinct) else _meeting(records, previous)
        plain = [record if key else _NOBODY for record, key in zip(records, settled, strict=True)]
        compared = _as_compared(plain)
        new = _as_new(plain, compared) if self.prepares_new else None
        traits = [_traits_of(record) for record in plain]
        return Sheaf(
            [record.ref for record in records],
            [(key[0], key[2]) if key else NOT_PLAIN for key in settled],
            traits,
            meeting,
            {
                row: pack(record)
                for row, record in enumerate(records)
                if settled[row] is None or traits[row] & (HAS_CUSTOM | CLEARS) or record.consent is not None
            },
            marshal.dumps(tuple(compared)),
            None if new is None else marshal.dumps(tuple(new)),
        )

    def settling_key(self, record: Record) -> Key | None:
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


_NOBODY: Final = Record()
NOT_PLAIN: Final = (0, "")


def _crowded(records: Sequence[Record]) -> set[int]:
    """The rows with a value that another row has too, as whatever kind."""
    first: dict[str, int] = {}
    crowded: set[int] = set()
    for row, record in enumerate(records):
        for key in record.identifiers:
            other = first.setdefault(key[2], row)
            if other != row:
                crowded.update((row, other))
    return crowded


def _meeting(records: Sequence[Record], previous: frozenset[str]) -> list[int]:
    return [row for row, record in enumerate(records) if any(key[2] in previous for key in record.identifiers)]


def _traits_of(record: Record) -> int:
    traits = CLEARS if record.cleared else 0
    if record.email is not None:
        traits |= HAS_EMAIL
    if record.phone is not None:
        traits |= HAS_PHONE
    if record.identifiers and record.identifiers[-1][0] == CUSTOM:
        traits |= HAS_CUSTOM
    for value in record.attributes.values():
        if value.__class__ is not str:
            traits |= HAS_NUMBERS
    return traits


def _as_compared(records: Sequence[Record]) -> Compared:
    names = sorted(set().union(*[record.fields for record in records]))
    columns: list[list[Any]] = [
        [record.external_id for record in records],
        [record.email for record in records],
        [record.phone for record in records],
    ]
    columns += [[record.fields.get(name) for record in records] for name in names]
    expected = list(zip(*columns, strict=True))
    return Compared((*IDENTITY, *names), expected, [record.attributes for record in records])


def _as_new(records: Sequence[Record], compared: Compared) -> New:
    rows = [row for row, record in enumerate(records) for _ in record.identifiers]
    keys = [key for record in records for key in record.identifiers]
    values = [key[2] for key in keys]
    encoded = _encoded(values)
    return New(
        key_rows=rows,
        values=values,
        identifiers=list(map(b"".join, zip(_heads(keys), _lengths(encoded), encoded, strict=True))),
        addresses=[place for place, key in enumerate(keys) if key[0] == EMAIL or key[0] == PHONE],
        contacts=_contact_fragments(records, compared),
        changes=[json_field(after_of(record)) for record in records],
    )


def _encoded(texts: Sequence[str]) -> list[bytes]:
    """Many texts in UTF-8 at once, which costs a third of one after the other; no text of a row has a NUL."""
    encoded = "\0".join(texts).encode().split(b"\0") if texts else []
    return encoded if len(encoded) == len(texts) else [text.encode() for text in texts]


def _lengths(encoded: Sequence[bytes]) -> list[bytes]:
    return list(map(_LENGTH, map(len, encoded)))


def _heads(keys: Sequence[Key]) -> list[bytes]:
    """Kind and app of identifiers."""
    heads = {(kind, app): smallint_field(kind) + text_field(app) for kind, app in {(key[0], key[1]) for key in keys}}
    return [heads[key[0], key[1]] for key in keys]


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


def _contact_fragments(records: Sequence[Record], compared: Compared) -> list[bytes]:
    size = len(records)
    values = dict(zip(compared.columns, zip(*compared.expected, strict=True), strict=True))
    parts: list[Sequence[bytes]] = []
    blank = b""
    for name in TEXT_COLUMNS:
        column = values.get(name)
        if column is None:
            blank += _NULL
            continue
        if blank:
            parts.append([blank] * size)
            blank = b""
        if None in column:
            parts.append([_NULL if text is None else text_field(text) for text in column])
        else:
            encoded = _encoded(column)
            parts += [_lengths(encoded), encoded]
    if blank:
        parts.append([blank] * size)
    parts.append([json_field(record.attributes) for record in records])
    parts.append([integer_field(_mask_of(record)) for record in records])
    return list(map(b"".join, zip(*parts, strict=True)))


def _mask_of(record: Record) -> int:
    mask = 0
    for key in record.identifiers:
        mask |= 1 << key[0]
    return mask


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
