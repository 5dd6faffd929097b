"""Subscribing with double opt-in: whoever a form names is found or made, and confirms by a link in a mail.

It writes through ``contacts.identity``, ``contacts.activity`` and the port to groups, all in one transaction, and sends
its mail as a job. Forms that the company laid out (``forms``) go the same way. It knows no request.
"""

from contacts.subscribing.confirm import Invitation, confirm, invite, look_at, unsubscribe, whose
from contacts.subscribing.forms import Answers, Asked, list_offered, read_asked, submit_form
from contacts.subscribing.subscribe import Subscribed, Wishes, subscribe
from contacts.subscribing.words import EmailStatus, status_of

__all__ = [
    "Answers",
    "Asked",
    "EmailStatus",
    "Invitation",
    "Subscribed",
    "Wishes",
    "confirm",
    "invite",
    "list_offered",
    "look_at",
    "read_asked",
    "status_of",
    "submit_form",
    "subscribe",
    "unsubscribe",
    "whose",
]
