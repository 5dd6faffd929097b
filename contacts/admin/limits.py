"""Reading within a time limit, so that nobody waits for a page."""

from __future__ import annotations

from functools import partial
from typing import Final

from crm import limits
from crm.errors import CardfileError

__all__ = ["TookTooLong", "stopped_after"]


class TookTooLong(CardfileError):
    """This takes too long over so many contacts. Narrow the search or the filters."""

    code = "took_too_long"


stopped_after: Final = partial(limits.stopped_after, error=TookTooLong)
"""``TookTooLong`` is raised after so many milliseconds."""
