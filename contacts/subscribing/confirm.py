"""Links that confirm a contact's email: made, looked at, used."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contacts.identity import confirm_email
from contacts.identity.errors import AddressBlacklisted, NothingToConfirm
from contacts.models import Contact, ContactState
from contacts.subscribing import links
from contacts.subscribing.words import EmailStatus, status_of

__all__ = ["BY_LINK", "Invitation", "Link", "confirm", "invite", "look_at"]

BY_LINK = "page:confirm"
"""Who the journal says it was: whoever opened the link."""


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
    read = links.read_token(token)
    contact = Contact.objects.filter(pk=read.contact_id, state=ContactState.ACTIVE).first()
    if contact is None or not contact.email or not links.is_for(read, contact.email):
        raise NothingToConfirm(contact_id=read.contact_id)
    status = status_of(contact.email_state)
    if status == EmailStatus.BLACKLISTED:
        raise AddressBlacklisted(contact_id=read.contact_id)
    return Invitation(contact.pk, contact.email, status, contact.language_code)


def confirm(token: str, *, by: str = BY_LINK) -> Invitation:
    """Use a link; a second time changes nothing. Raises as ``look_at``."""
    invitation = look_at(token)
    confirm_email(invitation.contact_id, invitation.email, by=by)
    return invitation._replace(status=EmailStatus.ALREADY_SUBSCRIBED)
