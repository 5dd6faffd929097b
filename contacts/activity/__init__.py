"""What people did: events and orders, hung from the contact that the identity rules find, or from a visitor's number.

It resolves through ``contacts.identity``, records set-based, and reads a contact's timeline. It decides nothing about
who somebody is, changes no field of a contact, and knows no request, no form, no file.
"""

from contacts.activity.events import note_events, record_events
from contacts.activity.orders import record_orders
from contacts.activity.timeline import TimelineEntry, TimelinePage, timeline
from contacts.activity.totals import Revenue, Totals, read_revenues, read_totals
from contacts.activity.types import (
    MOBILE_EVENT,
    WEB_EVENT,
    EventOutcome,
    EventStatus,
    NewEvent,
    NewOrder,
    OrderOutcome,
    OrderStatus,
)

__all__ = [
    "MOBILE_EVENT",
    "WEB_EVENT",
    "EventOutcome",
    "EventStatus",
    "NewEvent",
    "NewOrder",
    "OrderOutcome",
    "OrderStatus",
    "Revenue",
    "TimelineEntry",
    "TimelinePage",
    "Totals",
    "note_events",
    "read_revenues",
    "read_totals",
    "record_events",
    "record_orders",
    "timeline",
]
