"""One thing done to many contacts that somebody chose on the list: confirmed, worked off in batches, taken back.

Whom an action means is settled once and kept; each batch is one call of a verb that single contacts have, in one
transaction with the action's own progress. Nothing here decides what a verb does, and nothing here sees a request.
"""

from contacts.actions.erasing import forget_erased
from contacts.actions.errors import ActionRefused, FieldGone, SegmentGone, WrongMoment
from contacts.actions.flow import AT_ONCE, Progress, begin, cancel, pause, resume, undo
from contacts.actions.verbs import Delete, Edit, Join, Leave, Restore, Unsubscribe, Verb, read_verb, settable_columns

__all__ = [
    "AT_ONCE",
    "ActionRefused",
    "Delete",
    "Edit",
    "FieldGone",
    "Join",
    "Leave",
    "Progress",
    "Restore",
    "SegmentGone",
    "Unsubscribe",
    "Verb",
    "WrongMoment",
    "begin",
    "cancel",
    "forget_erased",
    "pause",
    "read_verb",
    "resume",
    "settable_columns",
    "undo",
]
