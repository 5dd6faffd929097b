"""What is refused when a custom field is to become another one."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = ["FieldBusy", "FieldInUse", "FieldIsKey", "FieldUnfit"]


class FieldBusy(CardfileError):
    """The values of this field are being changed right now. Wait until that has ended."""

    code = "field_busy"


class FieldInUse(CardfileError):
    """Others use this field as it is. Change them first."""

    code = "field_in_use"


class FieldIsKey(CardfileError):
    """Contacts are matched by this field. Take back that it is a key first."""

    code = "field_is_key"


class FieldUnfit(CardfileError):
    """This cannot be made of the field. Choose something else."""

    code = "field_unfit"
