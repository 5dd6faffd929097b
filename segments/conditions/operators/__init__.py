"""The operators (pure): one object each, a module for each family of types.

A condition's SQL is true exactly where the condition holds; what an operator says of "not set" stands on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from segments.conditions.fields import Field, FieldType
from segments.conditions.operators.choices import CHOICES, LISTS
from segments.conditions.operators.dates import DATES
from segments.conditions.operators.groups import CONSENTS, IDENTIFIERS, IMPORTS, RANDOM, ROWS, SEGMENTS
from segments.conditions.operators.numbers import AMOUNTS, BOOLEANS, NUMBERS
from segments.conditions.operators.operator import Arity, Context, Operand, Operator, Reads
from segments.conditions.operators.texts import EMAILS, LOOKED_UP, TEXTS

__all__ = ["OPERATORS", "Arity", "Context", "Operand", "Operator", "Reads", "operator_of"]

OPERATORS: Final[Mapping[FieldType, Mapping[str, Operator]]] = {
    FieldType.TEXT: TEXTS,
    FieldType.EXTERNAL_ID: LOOKED_UP,
    FieldType.PHONE: LOOKED_UP,
    FieldType.EMAIL: EMAILS,
    FieldType.NUMBER: NUMBERS,
    FieldType.BOOLEAN: BOOLEANS,
    FieldType.DATE: DATES,
    FieldType.CHOICE: CHOICES,
    FieldType.CHOICES: LISTS,
    FieldType.IDENTIFIER: IDENTIFIERS,
    FieldType.CONSENT: CONSENTS,
    FieldType.SEGMENT: SEGMENTS,
    FieldType.IMPORT: IMPORTS,
    FieldType.RANDOM: RANDOM,
    FieldType.ROWS: ROWS,
    FieldType.AMOUNT: AMOUNTS,
}


def operator_of(field: Field, key: str) -> Operator | None:
    """The operator of ``field`` with this key, if it has it."""
    return OPERATORS[field.type].get(key)
