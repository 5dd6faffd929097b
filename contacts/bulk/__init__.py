"""Bulk calls: thousands of contacts that another system sends at once, and asks about afterwards.

What cannot be read is refused at once; the rest is kept with the call and resolved by the queue, or at once where it is
little, exactly once in either case. Nothing here decides who a record belongs to, and nothing here sees a request.
"""

from contacts.bulk.calls import Accepted, Sent, accept_call, run_call, work_off
from contacts.bulk.erasing import forget_erased
from contacts.bulk.errors import SegmentNameRefused
from contacts.bulk.options import BulkOptions, settle_segments
from contacts.bulk.turns import forget_old_calls, take_up_left, work_off_waiting

__all__ = [
    "Accepted",
    "BulkOptions",
    "SegmentNameRefused",
    "Sent",
    "accept_call",
    "forget_erased",
    "forget_old_calls",
    "run_call",
    "settle_segments",
    "take_up_left",
    "work_off",
    "work_off_waiting",
]
