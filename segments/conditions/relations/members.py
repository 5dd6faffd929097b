"""Fields that a row keeps in a JSON object, each by its name: an event's parameters, an order's items (pure).

They have no type of their own. A condition compares one as what its operator and value are, and whatever is of another
shape reads as not set; as a text, whatever there is reads as it is written in JSON.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from segments.conditions.fields import Field, FieldType
from segments.conditions.sql import Clause, join, render
from segments.conditions.tree import Condition

__all__ = ["LONGEST_NAME", "MEMBER_TYPES", "Members", "read_member"]

LONGEST_NAME: Final = 200
MEMBER_TYPES: Final = (FieldType.TEXT, FieldType.DATE, FieldType.BOOLEAN, FieldType.NUMBER)
"""What a member may be compared as; where several types have an operator, the first one that fits the value."""

_NUMBER: Final = r"^\s*([+-]?\d{1,30}(?:\.\d{1,30})?)\s*$"
_DAY: Final = (
    r"(?!0000)(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_TIME: Final = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_MOMENT: Final = f"^{_DAY}{_TIME}(?:Z|[+-](?:0\\d|1[0-4])(?::?[0-5]\\d)?)$"
"""A moment that the database can read for certain; a text that it cannot would end the whole question."""
_LOCAL: Final = f"^{_DAY}(?:{_TIME})?$"
_PLAIN_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one JSON column, written ``<prefix><name>``.

    ``source`` reads the object; where it ``is_nested``, ``outer.inner`` is what an object in it holds, unless something
    has that very name. ``around`` has a place for the condition, where it must be put around: "any item …".
    ``listed`` is the column that holds the objects as a list, whose index finds an exact text.
    """

    prefix: str
    label: str
    source: Clause
    around: str = "{}"
    listed: Clause | None = None
    is_nested: bool = False

    @property
    def column(self) -> Clause:
        """The column that holds the object, or the list of them."""
        return self.source if self.listed is None else self.listed

    def name_of(self, key: str) -> str | None:
        """The member that ``key`` names."""
        name = key.removeprefix(self.prefix)
        fits = key.startswith(self.prefix) and 0 < len(name) <= LONGEST_NAME
        return name if fits and is_storable(name) else None

    def field(self, key: str, compared_as: FieldType, zone: str) -> Field:
        """The member as a field; ``zone`` is what moments without one are read in."""
        name = key.removeprefix(self.prefix)
        outer, _dot, inner = name.partition(".") if self.is_nested else ("", "", "")
        value = read_member(self.source, name, compared_as, zone)
        if outer and inner:
            held = render("({} -> {})", self.source, outer)
            value = render("coalesce({}, {})", value, read_member(held, inner, compared_as, zone))
        return Field(key, compared_as, name, value)

    def surround(self, clause: Clause, condition: Condition) -> Clause:
        """The condition of a row, made of the condition of one object.

        An index finds an exact text. It finds numbers too, but 5.0 for 5: there the objects it found are looked at. It
        finds no list that reads as the text.
        """
        around = render(self.around, clause)
        if self.listed is None or condition.operator != "is" or condition.compared_as is not FieldType.TEXT:
            return around
        text = str(condition.values[0])
        if text[0] in "[{":
            return around
        others = _read_scalars(text)
        found = self._find(condition, [json.dumps(text), *others])
        return join("AND", [found, around]) if others else found

    def _find(self, condition: Condition, values: list[str]) -> Clause:
        """What an index can find: an object with one of these values, given as JSON."""
        name = json.dumps(condition.field.removeprefix(self.prefix))
        wanted = [f"[{{{name}: {value}}}]" for value in values]
        return join("OR", [render("{} @> {}::jsonb", self.listed, each) for each in wanted])


def is_storable(text: str) -> bool:
    """Whether the database can hold ``text``."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def read_member(source: Clause, name: str, compared_as: FieldType, zone: str) -> Clause:
    """A member's value in the SQL type that the operators of ``compared_as`` need; NULL where it is not set."""
    kept, text = render("({} -> {})", source, name), render("({} ->> {})", source, name)
    match compared_as:
        case FieldType.NUMBER:
            return render(
                "CASE jsonb_typeof({}) WHEN 'number' THEN {}::numeric"
                " WHEN 'string' THEN substring({} FROM {})::numeric END",
                *(kept, kept, text, _NUMBER),
            )
        case FieldType.BOOLEAN:
            return render("CASE {} WHEN 'true' THEN true WHEN 'false' THEN false END", text)
        case FieldType.DATE:
            return render(
                "coalesce(substring({} FROM {})::timestamptz, substring({} FROM {})::timestamp AT TIME ZONE {})",
                *(text, _MOMENT, text, _LOCAL, zone),
            )
        case _:
            return render("NULLIF({}, '')", text)


def _read_scalars(text: str) -> list[str]:
    """The JSON that is no text itself and still reads as ``text``."""
    return [text] if text in {"true", "false"} or _PLAIN_NUMBER.match(text) else []
