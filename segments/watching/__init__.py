"""Membership over time, for the segments that ask for it: who entered and left when, and why.

A change of a contact, or of what hangs from it, is noted in its own transaction (``notes``). The queue takes the notes,
asks which of the watched segments these contacts are in now, and writes what is different: stays, sizes by day, and
moves, which webhooks tell and events are recorded from. The clock is followed in the same way: only contacts between
the old and the new bound of a condition are looked at again (``windows``). It decides nothing about who is in a segment
but asks the language, writes no contact, and knows no request.
"""

from segments.watching.notes import forget_watched, note_changed
from segments.watching.reading import list_as_of, list_sizes, list_stays, since_when, today_of
from segments.watching.stays import forget_stays
from segments.watching.switch import check_again, stop_watching, watch_segment
from segments.watching.upkeep import advance

__all__ = [
    "advance",
    "check_again",
    "forget_stays",
    "forget_watched",
    "list_as_of",
    "list_sizes",
    "list_stays",
    "note_changed",
    "since_when",
    "stop_watching",
    "today_of",
    "watch_segment",
]
