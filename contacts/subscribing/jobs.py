"""The mail that asks for a confirmation, as a job: it leaves after the transaction, and again if the server is away."""

from __future__ import annotations

from smtplib import SMTPException
from typing import Final

from procrastinate import RetryStrategy

from contacts.identity.errors import AddressBlacklisted, NothingToConfirm
from contacts.subscribing.errors import LinkExpired, LinkInvalid
from contacts.subscribing.mail import send_mail
from contacts.subscribing.sending import forget_old_confirmations, send_waiting
from crm.jobs import app, periodic

__all__ = ["forget_confirmations", "send_confirmation", "send_confirmations"]

NOTHING_LEFT: Final = (AddressBlacklisted, NothingToConfirm, LinkExpired, LinkInvalid)
AGAIN: Final = RetryStrategy(max_attempts=8, exponential_wait=4, retry_exceptions=[SMTPException, OSError])
"""Over a day: 4 s, 16 s, … 18 hours."""


@app.task(name="contacts.subscribing.send_confirmation", queue="mail", retry=AGAIN)
def send_confirmation(token: str, site: str) -> None:
    """Nothing is sent where the contact went, changed its email, or has confirmed meanwhile."""
    try:
        send_mail(token, site=site)
    except NOTHING_LEFT:
        return


@periodic(cron="* * * * *")
def send_confirmations() -> None:
    """Every minute: the mails that imports ask for."""
    send_waiting()


@periodic(cron="50 2 * * *")
def forget_confirmations() -> None:
    forget_old_confirmations()
