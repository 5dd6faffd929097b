"""What contacts did (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from segments.conditions.fields import Field, FieldType
from segments.conditions.relations.measures import gettext_noop as _
from segments.conditions.relations.members import Members
from segments.conditions.relations.relation import Relation, RowKind
from segments.conditions.sql import Clause

__all__ = ["build_events"]


def build_events(kinds: Mapping[str, RowKind]) -> Relation:
    """The events of an account with these types."""
    return Relation(
        key="events",
        label=_("Events"),
        group="activity",
        one=_("event"),
        many=_("events"),
        table="contacts_event",
        moment=Field("occurred_at", FieldType.DATE, _("Occurred"), Clause("r.occurred_at")),
        fields={"source": Field("source", FieldType.TEXT, _("Source"), Clause("NULLIF(r.source, '')"))},
        members=(Members("params.", _("Parameters"), Clause("r.params"), is_nested=True),),
        kinds=kinds,
        sums=("params.",),
    )
