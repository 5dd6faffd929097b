"""Custom fields that have values already: another type, other options, a key or none, gone.

What would be touched is looked up first and written by nobody; then a work goes through the contacts in the background,
a batch a transaction. Values are written by ``contacts.identity`` alone. It knows no request and no form.
"""

from contacts.fields.errors import FieldBusy, FieldInUse, FieldIsKey, FieldUnfit
from contacts.fields.references import Reference, find_references
from contacts.fields.survey import Survey, Trouble, find_common_values, survey_conversion, survey_keys, survey_options
from contacts.fields.works import (
    change_options,
    change_type,
    find_open_work,
    make_key,
    make_plain,
    remove_field,
    reserved_keys,
)

__all__ = [
    "FieldBusy",
    "FieldInUse",
    "FieldIsKey",
    "FieldUnfit",
    "Reference",
    "Survey",
    "Trouble",
    "change_options",
    "change_type",
    "find_common_values",
    "find_open_work",
    "find_references",
    "make_key",
    "make_plain",
    "remove_field",
    "reserved_keys",
    "survey_conversion",
    "survey_keys",
    "survey_options",
]
