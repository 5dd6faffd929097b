"""Taking back what the journal says an action did to a batch of contacts."""

from __future__ import annotations

from collections.abc import Sequence

from contacts.actions.outcomes import Done

__all__ = ["take_back_journal"]


def take_back_journal(ids: Sequence[int], *, did: str, by: str) -> Done:
    """Each change of the journal that ``did`` wrote on these contacts; what somebody changed since is kept and told."""
    raise NotImplementedError
