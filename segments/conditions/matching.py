"""A clause as a Django expression, so that it stands in any query of contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, Expression, F, Field

from segments.conditions.sql import Clause

__all__ = ["ContactSQL"]


class ContactSQL(Expression):
    """``clause`` over the contact of the query it stands in: filters when boolean, annotates otherwise.

    It holds a reference to the contact's id and takes the table from there, so that it follows the contact into
    subqueries under their own alias.
    """

    def __init__(self, clause: Clause, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field or BooleanField())
        self.clause = clause
        self.contact: Any = F("pk")

    # By identity: parameters may be lists, which Django's own comparison by value cannot hash.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def get_source_expressions(self) -> list[Any]:
        return [self.contact]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.contact,) = exprs

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        text, params = self.clause.over(compiler.quote_name_unless_alias(self.contact.alias))
        return f"({text})", params
