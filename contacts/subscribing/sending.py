"""The mails that imports ask for: so many a minute, each at most once, whatever happens on the way.

1. Under a claim, so that one worker sends at a time. 2. What a killed worker had in hand may have left, and is not sent
again. 3. A mail is marked as being sent, and that is committed, before the mail server hears of it. 4. What the server
refused for now waits and is tried again; what broke off in the middle may have been taken, and is left.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.utils.translation import gettext as _

from contacts.identity.load import address_digest
from contacts.models import ChannelState, Confirmation, ConfirmationStatus, Contact, ContactState
from contacts.normalize import clean_email
from contacts.subscribing.confirm import Invitation
from contacts.subscribing.links import make_token
from contacts.subscribing.mail import message_of
from contacts.subscribing.words import EmailStatus
from crm.claims import claiming, may_claim

__all__ = ["forget_old_confirmations", "send_waiting"]

logger = logging.getLogger(__name__)

S: Final = ConfirmationStatus
CLAIM: Final = "confirmations"
MINUTE: Final = timedelta(minutes=1)
MOST_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = timedelta(minutes=1)
"""Then three times as long each time: over a day and a half in all."""
CLOSING: Final = 421
"""What a mail server says that has enough for now."""
SECONDS: Final = 45.0
"""A job is done before the next one is due."""
KEPT: Final = timedelta(days=90)
PAGE: Final = 5_000

_IS_ANY_DUE: Final = "SELECT EXISTS (SELECT FROM contacts_confirmation WHERE status = 'waiting' AND next_try_at <= %s)"
_NEXT_IMPORT: Final = """
SELECT i.id FROM contacts_import i
WHERE i.status = 'finished' AND i.options @> '{"confirm_emails": true}' AND EXISTS (
 SELECT FROM contacts_confirmation c WHERE c.import_id = i.id AND c.status = 'waiting' AND c.next_try_at <= %s
) ORDER BY i.id LIMIT 1
"""
_TAKE: Final = """
UPDATE contacts_confirmation SET status = 'sending', tried_at = %(at)s, attempts = attempts + 1 WHERE id = (
 SELECT id FROM contacts_confirmation
 WHERE import_id = %(import_id)s AND status = 'waiting' AND next_try_at <= %(at)s
 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def send_waiting() -> int:
    """Send what waits, up to the limit of a minute; how many were sent. Nothing where another worker is at it."""
    if not (settings.CONFIRMATION_MAIL and settings.PUBLIC_URL and _is_any_due()):
        return 0
    with claiming() as own:
        if not may_claim(own, CLAIM):
            return 0
        _leave_what_broke_off()
        return _send_some(left=settings.CONFIRMATIONS_A_MINUTE - _count_last_minute())


def _is_any_due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_IS_ANY_DUE, [datetime.now(UTC)])
        return bool(cursor.fetchone()[0])


def _leave_what_broke_off() -> None:
    """We hold the claim, so nobody is sending: whoever was has died."""
    broken = Confirmation.objects.filter(status=S.SENDING)
    broken.update(status=S.FAILED, error=_("It broke off; the mail may have been sent, so it is not sent again."))


def _count_last_minute() -> int:
    return Confirmation.objects.filter(tried_at__gt=datetime.now(UTC) - MINUTE).count()


class _ServerAway(Exception):
    """It is left alone until the next time."""


def _send_some(*, left: int) -> int:
    sent, until = 0, time.monotonic() + SECONDS
    if left <= 0:
        return 0
    with closing(get_connection()) as server, suppress(_ServerAway):
        for one in _take_each():
            left -= _send(one, server)
            sent += one.status == S.SENT
            if left <= 0 or time.monotonic() > until:
                break
    return sent


def _take_each() -> Iterator[Confirmation]:
    """What is due, marked as being sent."""
    while (pk := _take_next()) is not None:
        yield Confirmation.objects.get(pk=pk)


def _take_next() -> int | None:
    at = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_IMPORT, [at])
        found = cursor.fetchone()
        if found is None:
            return None
        cursor.execute(_TAKE, {"import_id": found[0], "at": at})
        taken = cursor.fetchone()
        return taken[0] if taken else _take_next()


def _send(one: Confirmation, server: Any) -> bool:
    """Whether the mail server was asked."""
    invitation = _find_invited(one)
    if invitation is None:
        _settle(one, S.NOT_NEEDED, tried_at=None)
        return False
    try:
        _reach(server)
    except (smtplib.SMTPException, OSError) as error:
        _try_again(one, error)
        raise _ServerAway from error
    _hand_over(one, invitation, server)
    return True


def _reach(server: Any) -> None:
    """A connection that answers: one that the server has closed meanwhile is opened again."""
    if server.open() is not False or getattr(server, "connection", None) is None:
        return
    try:
        server.connection.noop()
    except smtplib.SMTPServerDisconnected:
        _hang_up(server)
        server.open()


def _hand_over(one: Confirmation, invitation: Invitation, server: Any) -> None:
    token = make_token(invitation.contact_id, invitation.email)
    try:
        message_of(invitation, token, site=settings.PUBLIC_URL, connection=server).send()
    except smtplib.SMTPResponseException as error:
        _refused(one, error, is_final=error.smtp_code >= 500)
        if error.smtp_code == CLOSING:
            raise _ServerAway from error
    except smtplib.SMTPRecipientsRefused as error:
        _refused(one, error, is_final=all(code >= 500 for code, _text in error.recipients.values()))
    except (smtplib.SMTPException, OSError) as error:
        logger.warning("Confirmation %s broke off: %s", one.pk, type(error).__name__)
        _settle(one, S.FAILED, error=_("It broke off; the mail may have been sent, so it is not sent again."))
        _hang_up(server)
    else:
        _settle(one, S.SENT)


def _hang_up(server: Any) -> None:
    with suppress(smtplib.SMTPException, OSError):
        server.close()


def _find_invited(one: Confirmation) -> Invitation | None:
    """The contact, or its survivor, if the address is still its own, and still not confirmed."""
    contact = Contact.objects.select_related("merged_into").filter(pk=one.contact_id).first()
    contact = contact and (contact.merged_into or contact)
    if contact is None or contact.state != ContactState.ACTIVE or contact.email_state != ChannelState.UNCONFIRMED:
        return None
    email = contact.email or ""
    if not email or address_digest(clean_email(email)[1]) != bytes(one.digest):
        return None
    return Invitation(contact.pk, email, EmailStatus.NEED_CONFIRMATION, contact.language_code)


def _refused(one: Confirmation, error: Exception, *, is_final: bool) -> None:
    if is_final:
        _settle(one, S.FAILED, error=_("The mail server refused it: {error}").format(error=_say(error)))
    else:
        _try_again(one, error)


def _try_again(one: Confirmation, error: Exception) -> None:
    if one.attempts >= MOST_ATTEMPTS:
        _settle(one, S.FAILED, error=_("The mail server could not be reached: {error}").format(error=_say(error)))
    else:
        pause = FIRST_PAUSE * 3 ** (one.attempts - 1)
        _settle(one, S.WAITING, next_try_at=datetime.now(UTC) + pause, error=_say(error))


def _say(error: Exception) -> str:
    """The kind of trouble and its number: what a server says may name the address."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _settle(one: Confirmation, status: ConfirmationStatus, **values: Any) -> None:
    one.status = status
    Confirmation.objects.filter(pk=one.pk).update(status=status, **values)


def forget_old_confirmations() -> int:
    """Mails of long ago, page by page; how many."""
    old = Confirmation.objects.filter(asked_at__lt=datetime.now(UTC) - KEPT).exclude(status=S.WAITING)
    forgotten = 0
    while page := list(old.order_by("pk").values_list("pk", flat=True)[:PAGE]):
        forgotten += Confirmation.objects.filter(pk__in=page).delete()[0]
    return forgotten
