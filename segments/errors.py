"""What segments refuse."""

from crm.errors import CardfileError

__all__ = ["AskingTookTooLong", "CountTookTooLong", "SegmentInUse", "SegmentIsBuiltin", "SegmentIsNotStatic"]


class SegmentIsNotStatic(CardfileError):
    """The members of this segment follow from its conditions. Change the conditions, or use a static segment."""

    code = "segment_not_static"


class SegmentInUse(CardfileError):
    """Other segments use this one. Take it out of them first."""

    code = "segment_in_use"


class SegmentIsBuiltin(CardfileError):
    """This segment is ready-made and cannot be deleted. Leave it, or rename it."""

    code = "segment_builtin"


class AskingTookTooLong(CardfileError):
    """This took too long and was stopped. Make the conditions narrower, or try again later."""

    code = "took_too_long"


class CountTookTooLong(AskingTookTooLong):
    """The count took too long and was stopped. Make the conditions narrower, or try again later."""

    code = "count_took_too_long"
