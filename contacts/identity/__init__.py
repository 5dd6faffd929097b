"""The only write path of contacts and identifiers: which contact a record belongs to, and what becomes of it.

It loads, locks, decides, writes and journals, for one record or any number. It knows no request, no form, no file; who
asks comes as ``by=``.
"""

from contacts.identity.detach import Detached, detach_identifier, move_identifier
from contacts.identity.duplicates import dismiss_case
from contacts.identity.erase import erase_contacts
from contacts.identity.lifecycle import delete_contacts, restore_contacts
from contacts.identity.merge import LeftBehind, UndoReport, merge_contacts, undo_merge
from contacts.identity.rehearsal import rehearse_stream
from contacts.identity.resolve import MAX_BATCH, resolve, resolve_one
from contacts.identity.stream import resolve_stream
from contacts.identity.suppression import confirm_email, lift_suppressions, suppress_addresses
from contacts.identity.take_back import TakeBackReport, take_back_change, take_back_changes
from contacts.identity.types import Mode, Outcome, Plan, PolicyRules, Status, Step

__all__ = [
    "MAX_BATCH",
    "Detached",
    "LeftBehind",
    "Mode",
    "Outcome",
    "Plan",
    "PolicyRules",
    "Status",
    "Step",
    "TakeBackReport",
    "UndoReport",
    "confirm_email",
    "delete_contacts",
    "detach_identifier",
    "dismiss_case",
    "erase_contacts",
    "lift_suppressions",
    "merge_contacts",
    "move_identifier",
    "rehearse_stream",
    "resolve",
    "resolve_one",
    "resolve_stream",
    "restore_contacts",
    "suppress_addresses",
    "take_back_change",
    "take_back_changes",
    "undo_merge",
]
