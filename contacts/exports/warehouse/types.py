"""What the engine, the data sets and the targets tell each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from contacts.exports.warehouse.rows import Rows

__all__ = [
    "Change",
    "DataSet",
    "OutColumn",
    "OutType",
    "Position",
    "Problem",
    "Reading",
    "Step",
    "TableShape",
    "Target",
    "Written",
]

OutType = Literal["text", "bigint", "numeric", "boolean", "timestamptz", "date", "json"]

Position = dict[str, int]
"""Up to which number of each of our sequences a table at a target is complete; kept as JSON."""


@dataclass(frozen=True, slots=True)
class OutColumn:
    """``key`` is ours and stays; ``name`` is the column's name at the target; ``label`` is for people."""

    key: str
    name: str
    type: OutType
    label: str


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as it is to be at the target.

    ``key`` are the names (there) of the columns by which a row is known; they are always among ``columns``. ``owner``
    is the name of the column with the contact's id, empty where rows belong to no contact.
    """

    name: str
    columns: tuple[OutColumn, ...]
    key: tuple[str, ...]
    owner: str = "contactId"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, at the target."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a target from being written: a stable ``code``, and a sentence that says what to do."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a table, in one transaction: what is gone is deleted, then rows are put, upsert by key.

    ``gone_contact_ids``: all rows of these owners. ``gone_keys``: rows by the shape's key, in its order.
    """

    gone_contact_ids: Sequence[int] = ()
    gone_keys: Sequence[tuple[Any, ...]] = ()
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to. ``bytes`` are those that were sent."""

    rows: int = 0
    removed: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read: its shape, and whether deleted and merged contacts are left out (else they are flagged)."""

    shape: TableShape
    leaves_out_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A change of limited size, and the position that the table has once it is applied.

    ``sent`` is called once it stands at the target and the position is kept (in the same transaction as the position):
    for a data set that remembers what it sent.
    """

    change: Change
    position: Position
    sent: Callable[[], object] | None = field(default=None, compare=False)


class DataSet(Protocol):
    """A kind of rows that can leave. Those there are: ``contacts.exports.warehouse.data_sets.DATA_SETS``, by slug."""

    @property
    def slug(self) -> str: ...

    @property
    def label(self) -> Any:
        """For people, lazily translated."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """Keys (ours) of the columns by which a row is known; they always leave."""
        ...

    @property
    def owner(self) -> str:
        """The key (ours) of the column with the contact's id; empty where rows belong to no contact."""
        ...

    def columns(self, custom_fields: Iterable[Any]) -> tuple[OutColumn, ...]:
        """All that can leave, in order."""
        ...

    def start_position(self, upto: Position) -> Position:
        """The position of a table that is about to be filled anew, while our sequences stand at ``upto``."""
        ...

    def next_end(self, after: int, size: int) -> int | None:
        """The end of the piece of about ``size`` rows that begins behind ``after``; None where nothing is left."""
        ...

    def piece(self, reading: Reading, after: int, upto: int) -> Rows:
        """Its rows, as they are now: behind ``after``, ``upto`` included."""
        ...

    def filled(self, table_id: int) -> None:
        """The table (``ExportTable``) was filled anew and stands at the target: for a data set that remembers."""
        ...

    def steps(self, reading: Reading, since: Position, upto: Position, *, table_id: int) -> Iterator[Step]:
        """What changed from ``since`` to ``upto``; the last step's position covers ``upto``. Nothing: no step.

        Raises ``FullRunNeeded`` where what changed since is not known any more.
        """
        ...

    def total(self) -> int:
        """About how many rows there are, for the progress."""
        ...


class Target(Protocol):
    """Where tables stand. Whatever goes wrong there is a ``TargetError`` that says what to do."""

    @property
    def piece_rows(self) -> int:
        """How many rows a piece of a full run should have."""
        ...

    def check(self) -> list[Problem]:
        """Connect, and look whether tables can be made and written; leaves nothing behind."""
        ...

    def describe(self, table: str) -> Mapping[str, str] | None:
        """Column → type there; None where there is no such table."""
        ...

    def compare(self, shape: TableShape) -> list[Problem]:
        """What is there against what is to be there: a missing table or column, a narrower type. More columns of
        somebody else are none of our business as long as they may be empty."""
        ...

    def create(self, shape: TableShape) -> None:
        """An empty table; nothing where it stands already in this shape."""
        ...

    def add_columns(self, shape: TableShape, columns: Sequence[OutColumn]) -> None:
        """Columns of ``shape`` that are not there yet, empty; nothing for those that are."""
        ...

    def begin_full(self, shape: TableShape, run: str) -> int:
        """Make the table that the run fills beside the one that stands, and remove those of other runs; how many
        pieces it holds already, after a kill."""
        ...

    def write_full(self, shape: TableShape, run: str, piece: int, rows: Rows) -> Written:
        """Piece number ``piece``, from 0, committed together with its number: sent twice, it stands once."""
        ...

    def finish_full(self, shape: TableShape, run: str) -> None:
        """Put the filled table in the place of the other, at once for whoever reads.

        Nothing where this run's stands there already (it was killed just then); raises ``TargetChanged`` where this
        run's is in neither place.
        """
        ...

    def apply(self, shape: TableShape, change: Change) -> Written:
        """In one transaction; applied twice, it stands once."""
        ...

    def close(self) -> None: ...
