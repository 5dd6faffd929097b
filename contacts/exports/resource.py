"""The resource of django-import-export for contacts, generated from the registry of columns. It only exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from operator import attrgetter
from typing import Any, Final, NoReturn

from django.db.models import IntegerChoices
from django.utils import timezone
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from contacts.columns import Column
from contacts.exports.errors import ExportsOnly
from contacts.models import ChannelState, Contact, ContactState

__all__ = ["STATE_NAMES", "ContactResource", "reader_of"]

STATES: Final[dict[str, type[IntegerChoices]]] = {"channel_state": ChannelState, "state": ContactState}
STATE_NAMES: Final[dict[str, dict[int, str]]] = {
    kind: {number: name.lower() for number, name in zip(states.values, states.names, strict=True)}
    for kind, states in STATES.items()
}
LIST_SEPARATOR: Final = "; "


def cell_of(value: Any, names: Mapping[int, str] | None, zone: tzinfo) -> str | int | float:
    """A value as a cell that the import reads back as the same value; ``names`` are those of a column's states."""
    if value is None:
        return ""
    if names is not None:
        return names[value]
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, list):
        return LIST_SEPARATOR.join(map(str, value))
    return value if isinstance(value, int | float) else str(value)


def reader_of(column: Column) -> Callable[[Contact], Any]:
    if not column.is_custom:
        return attrgetter(column.key)
    key = column.custom_key
    return lambda contact: contact.attributes.get(key)


class CellWidget(Widget):
    """How the library shows a value."""

    def __init__(self, column_type: str) -> None:
        super().__init__()
        self.names = STATE_NAMES.get(column_type)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str | int | float:
        return cell_of(value, self.names, timezone.get_current_timezone())


class ContactField(Field):
    """One column of the registry, under its key, which an import of the file finds again."""

    def __init__(self, column: Column) -> None:
        super().__init__(column_name=column.key, widget=CellWidget(column.type), readonly=True)
        self.get_value = reader_of(column)


class ContactResource(Resource):
    """Contacts as rows: every readable column of an account, system columns first.

    Contacts are written by ``contacts.identity`` alone: whatever would import raises ``ExportsOnly``.
    """

    class Meta:
        model = Contact

    def __init__(self, columns: Iterable[Column]) -> None:
        super().__init__()
        readable = [column for column in columns if column.read]
        self.fields = {column.key: ContactField(column) for column in readable}
        self.cells = [(reader_of(column), STATE_NAMES.get(column.type)) for column in readable]
        self.zone = timezone.get_current_timezone()

    def get_export_order(self) -> list[str]:
        return list(self.fields)

    def export_resource(self, instance: Contact, selected_fields: Any = None, **kwargs: Any) -> list[Any]:
        """Cell for cell as the library would, which takes several times as long, most of it to find its fields."""
        if selected_fields is not None:
            return super().export_resource(instance, selected_fields, **kwargs)
        return [cell_of(read(instance), names, self.zone) for read, names in self.cells]

    def import_data(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ExportsOnly

    import_data_inner = import_row = import_instance = import_field = save_instance = delete_instance = import_data
    bulk_create = bulk_update = bulk_delete = import_data
