"""Tells other systems what happened to contacts: targets, signed deliveries, retries, dead letters.

It reads what happened from sources, of which the journal is one, after it was committed and in its order; segments
register theirs in the same way. It never writes a contact, keeps no value of one, and knows no request of ours: the
back office shows it, the queue runs it.
"""

from contacts.webhooks.deadletters import discard_dead_letters, replay_dead_letters
from contacts.webhooks.deliver import deliver, send_test
from contacts.webhooks.signature import secret_of
from contacts.webhooks.sources import Happening, Source, register, sources
from contacts.webhooks.targets import change_secret, check_webhook, count_waiting, save_webhook, skip_waiting, try_now

__all__ = [
    "Happening",
    "Source",
    "change_secret",
    "check_webhook",
    "count_waiting",
    "deliver",
    "discard_dead_letters",
    "register",
    "replay_dead_letters",
    "save_webhook",
    "secret_of",
    "send_test",
    "skip_waiting",
    "sources",
    "try_now",
]
