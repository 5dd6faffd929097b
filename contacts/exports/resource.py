"""The resource of django-import-export for contacts, generated from the registry of columns. It only exports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NoReturn

from django.utils import timezone
from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from contacts.columns import Column
from contacts.exports.errors import ExportsOnly
from contacts.models import ChannelState, Contact, ContactState

__all__ = ["ContactResource"]

STATES: Final = {"channel_state": ChannelState, "state": ContactState}
LIST_SEPARATOR: Final = "; "


class CellWidget(Widget):
    """A value as a cell that the import reads back as the same value."""

    def __init__(self, column_type: str) -> None:
        super().__init__()
        self.states = STATES.get(column_type)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str | int | float:
        if value is None:
            return ""
        if self.states is not None:
            return self.states(value).name.lower()
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return timezone.localtime(value).isoformat(timespec="seconds")
        if isinstance(value, list):
            return LIST_SEPARATOR.join(map(str, value))
        return value if isinstance(value, int | float) else str(value)


class ContactField(Field):
    """One column of the registry, under its key, which an import of the file finds again."""

    def __init__(self, column: Column) -> None:
        super().__init__(column_name=column.key, widget=CellWidget(column.type), readonly=True)
        self.column = column

    def get_value(self, instance: Contact) -> Any:
        if self.column.is_custom:
            return instance.attributes.get(self.column.custom_key)
        return getattr(instance, self.column.key)


class ContactResource(Resource):
    """Contacts as rows: every readable column of an account, system columns first.

    Contacts are written by ``contacts.identity`` alone: whatever would import raises ``ExportsOnly``.
    """

    class Meta:
        model = Contact

    def __init__(self, columns: Iterable[Column]) -> None:
        super().__init__()
        self.fields = {column.key: ContactField(column) for column in columns if column.read}

    def get_export_order(self) -> list[str]:
        return list(self.fields)

    def export_resource(self, instance: Contact, selected_fields: Any = None, **kwargs: Any) -> list[Any]:
        """The library looks every field up by its position, for every cell; that takes longer than the rest."""
        return [field.export(instance) for field in self.get_export_fields(selected_fields)]

    def import_data(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ExportsOnly

    import_data_inner = import_row = import_instance = import_field = save_instance = delete_instance = import_data
    bulk_create = bulk_update = bulk_delete = import_data
