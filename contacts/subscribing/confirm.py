"""Links in a mail: they confirm a contact's email, or unsubscribe it. Made, looked at, used."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contacts.identity import confirm_email, suppress_addresses
from contacts.identity.errors import AddressBlacklisted, NothingToConfirm
from contacts.models import ChannelState, Contact, ContactState
from contacts.subscribing import links
from contacts.subscribing.errors import AddressGone
from contacts.subscribing.words import EmailStatus, status_of

__all__ = ["BY_LINK", "BY_UNSUBSCRIBING", "Invitation", "Link", "confirm", "invite", "look_at", "unsubscribe", "whose"]

BY_LINK = "page:confirm"
"""Who the journal says it was: whoever opened the link."""
BY_UNSUBSCRIBING = "page:unsubscribe"
REASON = "unsubscribed by the link in a mail"


class Invitation(NamedTuple):
    """A contact's email and where it stands."""

    contact_id: int
    email: str
    status: EmailStatus
    language_code: str | None = None


class Link(NamedTuple):
    token: str
    url: str
    expires_at: datetime


def invite(contact_id: int, email: str, *, site: str, at: datetime | None = None) -> Link:
    """A new link for this email of this contact. ``site`` is where people reach us."""
    token = links.make_token(contact_id, email)
    return Link(token, links.link_of(token, site=site), links.expires_at(at))


def look_at(token: str) -> Invitation:
    """What a link is for. Raises ``LinkInvalid``, ``LinkExpired``, ``NothingToConfirm``, ``AddressBlacklisted``."""
    contact, email = _find_holder(links.read_token(token))
    status = status_of(contact.email_state)
    if status == EmailStatus.BLACKLISTED:
        raise AddressBlacklisted(contact_id=contact.pk)
    return Invitation(contact.pk, email, status, contact.language_code)


def confirm(token: str, *, by: str = BY_LINK) -> Invitation:
    """Use a link; a second time changes nothing. Raises as ``look_at``."""
    invitation = look_at(token)
    confirm_email(invitation.contact_id, invitation.email, by=by)
    return invitation._replace(status=EmailStatus.ALREADY_SUBSCRIBED)


def whose(token: str) -> str:
    """The address that a link to unsubscribe is for. Raises ``LinkInvalid``, and ``AddressGone``."""
    try:
        return _find_holder(links.read_token(token, expires=False))[1]
    except NothingToConfirm as error:
        raise AddressGone from error


def unsubscribe(token: str, *, by: str = BY_UNSUBSCRIBING) -> str:
    """Nobody is written to at this address any more (T12); a second time changes nothing. Raises as ``whose``."""
    email = whose(token)
    suppress_addresses([email], ChannelState.UNSUBSCRIBED, by=by, reason=REASON)
    return email


def _find_holder(read: links.Token) -> tuple[Contact, str]:
    contact = Contact.objects.filter(pk=read.contact_id, state=ContactState.ACTIVE).first()
    if contact is None or not contact.email or not links.is_for(read, contact.email):
        raise NothingToConfirm(contact_id=read.contact_id)
    return contact, contact.email
