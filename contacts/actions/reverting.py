"""Taking back what the journal says an action did to a batch of contacts, by the verb that takes changes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contacts.actions.outcomes import Done, Refusal
from contacts.identity import TakeBackReport, take_back_changes
from contacts.identity.errors import NothingToTakeBack
from contacts.models import Change

__all__ = ["take_back_journal"]

CHANGED_SINCE: Final = "changed_since"


def take_back_journal(ids: Sequence[int], *, did: str, by: str) -> Done:
    """Each change of the journal that ``did`` wrote on these contacts; what somebody changed since is kept and told."""
    changes = Change.objects.filter(contact_id__in=list(ids), by=did).order_by("contact_id", "pk")
    places = list(changes.values_list("contact_id", "pk"))
    done = Done(unchanged=len(ids) - len({contact_id for contact_id, _ in places}))
    for report in take_back_changes(places, by=by):
        _count(done, report)
    return done


def _count(done: Done, report: TakeBackReport) -> None:
    if isinstance(report.refused, NothingToTakeBack):
        done.unchanged += 1
    elif report.refused is not None:
        done.refused.append(Refusal(report.contact_id, report.refused.code, report.refused.message))
    elif report.left:
        reasons = sorted({left.because.value for left in report.left})
        done.refused.append(Refusal(report.contact_id, CHANGED_SINCE, " ".join(reasons)))
    else:
        done.changed += 1
