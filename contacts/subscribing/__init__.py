"""Subscribing with double opt-in: whoever a form names is found or made, and confirms by a link in a mail.

It writes through ``contacts.identity``, ``contacts.activity`` and the port to groups, all in one transaction, and sends
its mail as a job. It knows no request and no form.
"""

from contacts.subscribing.confirm import Invitation, confirm, invite, look_at
from contacts.subscribing.subscribe import Subscribed, Wishes, subscribe
from contacts.subscribing.words import EmailStatus, status_of

__all__ = [
    "EmailStatus",
    "Invitation",
    "Subscribed",
    "Wishes",
    "confirm",
    "invite",
    "look_at",
    "status_of",
    "subscribe",
]
