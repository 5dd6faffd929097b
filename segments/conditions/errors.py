"""What can be wrong with a definition; ``path`` says where (``match.all[0].value``)."""

from __future__ import annotations

from crm.errors import CardfileError, Refused

__all__ = [
    "BrokenGroup",
    "DefinitionError",
    "DefinitionRefused",
    "EmptyGroup",
    "InvalidValue",
    "NotJson",
    "SegmentCycle",
    "TooDeep",
    "TooLarge",
    "UnknownField",
    "UnknownImport",
    "UnknownKey",
    "UnknownMeasure",
    "UnknownOperator",
    "UnknownSegment",
    "UnknownType",
    "UnknownVersion",
    "WrongShape",
]


class DefinitionError(CardfileError):
    """The definition is broken here. Correct it, then save again."""

    code = "definition_error"


class DefinitionRefused(Refused):
    """The definition cannot be used. Correct each place that is listed."""

    code = "definition_refused"

    @property
    def lines(self) -> list[str]:
        """One line an error: its path, then its sentence."""
        return [f"{error.path}: {error.message}" if error.path else error.message for error in self.errors]


class NotJson(DefinitionError):
    """This is not JSON. Check its brackets, commas and quotes."""

    code = "not_json"


class WrongShape(DefinitionError):
    """This has the wrong shape. Write a group or a condition as an object."""

    code = "wrong_shape"


class UnknownVersion(DefinitionError):
    """This version of the language is not known. Write "version": 1."""

    code = "unknown_version"


class UnknownKey(DefinitionError):
    """This key means nothing here. Remove it."""

    code = "unknown_key"


class BrokenGroup(DefinitionError):
    """A group has exactly one of "all", "any" and "none", a list. Write one of them."""

    code = "broken_group"


class EmptyGroup(DefinitionError):
    """A group without conditions would mean everybody. Add a condition or remove the group."""

    code = "empty_group"


class TooDeep(DefinitionError):
    """The groups are nested too deeply. Put some of them into a segment of their own."""

    code = "too_deep"


class TooLarge(DefinitionError):
    """There are too many conditions. Put some of them into a segment of their own."""

    code = "too_large"


class UnknownField(DefinitionError):
    """There is no such field. Choose a field that exists."""

    code = "unknown_field"


class UnknownOperator(DefinitionError):
    """This field has no such operator. Choose one that suits it."""

    code = "unknown_operator"


class UnknownMeasure(DefinitionError):
    """These rows cannot be measured like that. Choose a measure that they have."""

    code = "unknown_measure"


class UnknownType(DefinitionError):
    """There is no such type. Choose one that exists."""

    code = "unknown_type"


class InvalidValue(DefinitionError):
    """The value cannot be used here. Correct it."""

    code = "invalid_value"


class UnknownSegment(DefinitionError):
    """There is no such segment. Choose one that exists."""

    code = "unknown_segment"


class UnknownImport(DefinitionError):
    """There is no such import. Choose one that exists."""

    code = "unknown_import"


class SegmentCycle(DefinitionError):
    """The segments would refer to each other in a ring. Take one of them out."""

    code = "segment_cycle"
