"""The only write path of contacts and identifiers: which contact a record belongs to, and what becomes of it.

It loads, locks, decides, writes and journals, for one record or any number. It knows no request, no form, no file; who
asks comes as ``by=``.
"""

from contacts.identity.resolve import MAX_BATCH, resolve
from contacts.identity.types import Mode, Outcome, Plan, PolicyRules, Status, Step

__all__ = ["MAX_BATCH", "Mode", "Outcome", "Plan", "PolicyRules", "Status", "Step", "resolve"]
