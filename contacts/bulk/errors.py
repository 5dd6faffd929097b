"""What a bulk call refuses as a whole."""

from crm.errors import CardfileError

__all__ = ["Rewritten", "SegmentNameRefused", "TakenOver"]


class SegmentNameRefused(CardfileError):
    """This cannot be the name of a segment. Write at most 200 characters."""

    code = "invalid_segment_name"


class TakenOver(CardfileError):
    """Somebody else has resolved these contacts meanwhile."""

    code = "taken_over"


class Rewritten(TakenOver):
    """Somebody of the call was erased meanwhile."""

    code = "rewritten"
