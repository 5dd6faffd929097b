"""A piece of SQL over columns of a contact, as an expression that filters."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Func

__all__ = ["Holds"]


class Holds(Func):
    """``template`` has ``{0}``, ``{1}`` … for the columns and ``%s`` for parameters; values never enter the text."""

    output_field = BooleanField()

    def __init__(self, template: str, *columns: str, params: tuple[Any, ...] = ()) -> None:
        super().__init__(*columns)
        self.written = template
        self.params = params

    @property
    def identity(self) -> tuple[Any, ...]:
        return (self.__class__, self.written, self.params)

    def as_sql(self, compiler: Any, connection: Any, *_given: Any, **_context: Any) -> tuple[str, tuple[Any, ...]]:
        columns = [compiler.compile(column)[0] for column in self.get_source_expressions()]
        return f"({self.written.format(*columns)})", self.params
