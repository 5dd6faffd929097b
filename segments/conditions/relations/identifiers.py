"""By what contacts are known, counted (pure). Whether there is one of a kind is quicker asked of the contact itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contacts.keys import Kind
from segments.conditions.fields import Field, FieldType
from segments.conditions.relations.measures import gettext_noop as _
from segments.conditions.relations.relation import Relation, RowKind
from segments.conditions.sql import Clause, render

__all__ = ["build_identifiers"]

_FIELDS: Final = (
    Field("value", FieldType.TEXT, _("Value"), Clause("r.value")),
    Field("app", FieldType.TEXT, _("App"), Clause("NULLIF(r.app, '')")),
    Field("source", FieldType.TEXT, _("Source"), Clause("NULLIF(r.source, '')")),
    Field("last_seen_at", FieldType.DATE, _("Last seen"), Clause("r.last_seen_at")),
)


def build_identifiers(labels: Mapping[Kind, str]) -> Relation:
    """Identifiers of these kinds; the numbers of orders are none."""
    return Relation(
        key="identifiers",
        label=_("Identifiers"),
        group="identifiers",
        one=_("identifier"),
        many=_("identifiers"),
        table="contacts_identifier",
        moment=Field("first_seen_at", FieldType.DATE, _("First seen"), Clause("r.first_seen_at")),
        fields={field.key: field for field in _FIELDS},
        kinds={kind.slug: RowKind(label, render("r.kind = {}", int(kind))) for kind, label in labels.items()},
        always=Clause(f"r.kind <> {int(Kind.ORDER)}"),
    )
