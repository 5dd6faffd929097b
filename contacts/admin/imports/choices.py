"""What one can choose on the map page, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.wording import KINDS, SYSTEM_LABELS
from contacts.columns import SYSTEM_COLUMNS, Column
from contacts.imports.columns import CONSENT
from contacts.imports.mapping import NEW
from contacts.models import CustomField, FieldType
from contacts.normalize import KIND_OF_SLUG

__all__ = [
    "DELIMITERS",
    "EMPTY_CELLS",
    "MODES",
    "NEW_TYPES",
    "list_keys",
    "list_targets",
    "say_keys",
    "say_target",
]

DELIMITERS: Final[tuple[tuple[str, Any], ...]] = (
    (",", gettext_lazy("Comma ,")),
    (";", gettext_lazy("Semicolon ;")),
    ("\t", gettext_lazy("Tab")),
    ("|", gettext_lazy("Vertical bar |")),
)
MODES: Final[tuple[tuple[str, Any, Any], ...]] = (
    (
        "upsert",
        gettext_lazy("Create and update"),
        gettext_lazy("Contacts that are found are changed, the others are made."),
    ),
    ("create", gettext_lazy("Only create"), gettext_lazy("Contacts that are there already are left as they are.")),
    ("update", gettext_lazy("Only update"), gettext_lazy("Rows that find nobody are skipped.")),
    (
        "delete",
        gettext_lazy("Delete"),
        gettext_lazy("Contacts that are found are deleted. They can be restored, and the import can be undone."),
    ),
)
EMPTY_CELLS: Final[tuple[tuple[str, Any], ...]] = (
    ("", gettext_lazy("Leaves what the contact has")),
    ("clear", gettext_lazy("Clears the field")),
)
NEW_TYPES: Final = tuple(
    (value, label) for value, label in FieldType.choices if value not in (FieldType.CHOICE, FieldType.CHOICES)
)
"""A field with options is made in the settings, where its options are written."""

FIXED_KEYS: Final[tuple[tuple[str, Any, Any], ...]] = (
    (
        "external_id",
        gettext_lazy("External ID"),
        gettext_lazy(
            "A row belongs to the contact with its external ID; if nobody has it, to one without an external ID that"
            " has its email or phone; else to a new one. A row without an external ID fails."
        ),
    ),
    (
        "email",
        gettext_lazy("Email"),
        gettext_lazy(
            "A row belongs to the contact with its email; of several that share it, to the one changed last."
            " A row without an email fails."
        ),
    ),
    (
        "phone",
        gettext_lazy("Phone"),
        gettext_lazy(
            "A row belongs to the contact with its phone; of several that share it, to the one changed last."
            " A row without a phone fails."
        ),
    ),
    (
        "email_or_phone",
        gettext_lazy("Email or phone"),
        gettext_lazy("A row belongs to the contact with its phone; if nobody has that, to the one with its email."),
    ),
    (
        "id",
        gettext_lazy("Contact ID"),
        gettext_lazy(
            "A row names its contact by Cardfile's own ID and never makes a new one: for files exported here."
        ),
    ),
)


def list_keys(columns: Iterable[Column]) -> list[tuple[str, str]]:
    """What rows can be matched by."""
    fixed = {key: str(label) for key, label, _sentence in FIXED_KEYS}
    more = [(column.key, _label(column)) for column in columns if column.may_be_key and column.key not in fixed]
    return [*fixed.items(), *more]


def say_keys(columns: Iterable[Column]) -> dict[str, str]:
    """By key, what it does."""
    sentences = {key: str(sentence) for key, _label, sentence in FIXED_KEYS}
    text = _("A row belongs to the contact with its “{field}”; of several that share it, to the one changed last.")
    for column in columns:
        if column.may_be_key:
            sentences.setdefault(column.key, text.format(field=_label(column)))
    return sentences


def list_targets(definitions: Iterable[CustomField], *, may_make_fields: bool) -> list[Any]:
    """All that a column of a file can become, in groups."""
    written = [(column.key, _(column.label)) for column in SYSTEM_COLUMNS if column.write or column.key == "id"]
    groups: dict[str, list[tuple[str, str]]] = {}
    for definition in sorted(definitions, key=lambda one: (one.group, one.label)):
        title = definition.group or _("Custom fields")
        groups.setdefault(title, []).append((f"fields.{definition.key}", definition.label))
    kinds = [(slug, str(KINDS[kind])) for slug, kind in KIND_OF_SLUG.items()]
    new = [(NEW, _("New custom field…"))] if may_make_fields else []
    return [
        ("", _("Skip this column")),
        *new,
        (_("Contact"), [*written, (CONSENT, _("Consent (yes or no)"))]),
        *groups.items(),
        (_("Identifiers"), kinds),
    ]


def say_target(target: str, labels: Mapping[str, str]) -> str:
    """What a column becomes, in words; ``labels`` names the custom columns."""
    if target in KIND_OF_SLUG:
        return str(KINDS[KIND_OF_SLUG[target]])
    if target == CONSENT:
        return _("Consent")
    if not target:
        return _("Skipped")
    return labels.get(target) or str(SYSTEM_LABELS.get(target, target))


def _label(column: Column) -> str:
    return column.label if column.is_custom else _(column.label)
