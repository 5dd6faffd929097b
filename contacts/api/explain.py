"""A decision, told: who would be meant and why, and what would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contacts.api.translate import show_change
from contacts.identity import Outcome, Status
from contacts.wire import WireContact

__all__ = ["explain"]


def explain(outcome: Outcome, wire: WireContact, field_keys: Mapping[int, str]) -> dict[str, Any]:
    """``contactId`` is null for a contact that would be made. ``rule`` is its number in the identity rules."""
    return {
        "dryRun": True,
        "contactId": None if outcome.status == Status.CREATED else outcome.contact_id,
        "status": outcome.status.value,
        "matchedBy": outcome.matched_by,
        "rule": outcome.rule,
        "steps": [
            {"kind": step.kind, "value": step.value, "contactIds": list(step.contact_ids), "verdict": step.verdict}
            for step in outcome.steps
        ],
        "before": show_change(outcome.before or {}, field_keys),
        "after": show_change(outcome.after or {}, field_keys),
        "merged": outcome.merged,
        "migrated": [
            {"kind": kind, "value": value, "contactId": contact_id} for kind, value, contact_id in outcome.migrated
        ],
        "warnings": [
            {"path": path, "code": code, "message": message} for path, code, message in wire.located(outcome.warnings)
        ],
    }
