"""What came of a batch, counted and told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from contacts.identity import Outcome, Status
from contacts.models import Contact, ContactState

__all__ = ["COUNTED", "Done", "Refusal", "sort_out"]

COUNTED: Final = ("changed", "unchanged", "refused")
GONE: Final = "The contact was merged or erased meanwhile, so it was left alone."
IS_DELETED: Final = "The contact is deleted. Restore it first."
UNKNOWN: Final = "It could not be done. Open the contact and try there."


class Refusal(NamedTuple):
    """A contact that was left alone, and why."""

    contact_id: int
    code: str
    message: str


@dataclass
class Done:
    """What was done to a batch; ``effects`` is what taking it back has to know beside the journal."""

    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    effects: Any = None

    @property
    def counts(self) -> dict[str, int]:
        return {"changed": self.changed, "unchanged": self.unchanged, "refused": len(self.refused)}

    def take(self, outcomes: Iterable[Outcome]) -> Done:
        """Count what a verb of ``contacts.identity`` says of each contact."""
        for outcome in outcomes:
            if outcome.status in (Status.FAILED, Status.SKIPPED):
                self.refused.append(_refusal_of(outcome))
            elif outcome.status == Status.UNCHANGED:
                self.unchanged += 1
            else:
                self.changed += 1
        return self


def _refusal_of(outcome: Outcome) -> Refusal:
    """``ref`` is the contact's id."""
    code, message = outcome.code, outcome.message
    if outcome.problems:
        _column, code, message = outcome.problems[0]
    elif code == "contact_not_found":
        message = GONE
    return Refusal(outcome.ref, code, message or UNKNOWN)


def sort_out(ids: Sequence[int], *, active_only: bool) -> tuple[list[int], list[Refusal]]:
    """Those among a batch that are sheets still, or active ones; and the others.

    What was merged since it was chosen is not followed: nobody chose its survivor.
    """
    states = dict(Contact.objects.filter(pk__in=ids).values_list("pk", "state"))
    good, bad = [], []
    for contact_id in ids:
        state = states.get(contact_id)
        if state == ContactState.ACTIVE or (state == ContactState.DELETED and not active_only):
            good.append(contact_id)
        elif state == ContactState.DELETED:
            bad.append(Refusal(contact_id, "contact_deleted", IS_DELETED))
        else:
            bad.append(Refusal(contact_id, "contact_gone", GONE))
    return good, bad
