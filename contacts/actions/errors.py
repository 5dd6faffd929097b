"""What an action over many contacts is refused for, and what ends one on its way."""

from __future__ import annotations

from crm.errors import CardfileError

__all__ = ["ActionRefused", "FieldGone", "SegmentGone", "TakenOver", "TooManyDeaths", "WrongMoment"]


class ActionRefused(CardfileError):
    """This cannot be done to these contacts. Correct what is marked."""

    code = "action_refused"


class SegmentGone(ActionRefused):
    """The segment is not there any more, or is no list. Choose another one."""

    code = "segment_gone"


class FieldGone(ActionRefused):
    """The field is not there any more, or takes no such value. Choose again."""

    code = "field_gone"


class WrongMoment(ActionRefused):
    """As it stands now, this cannot be done. Open the page again."""

    code = "wrong_moment"


class TooManyDeaths(CardfileError):
    """The worker died again and again at the same place. Tell the administrator, then go on from here."""

    code = "worker_died"


class TakenOver(Exception):
    """Another process does this batch, or did; whatever this one wrote of it is rolled back."""
