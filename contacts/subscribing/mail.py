"""The mail with the confirmation link, in the contact's language where we speak it, in the account's own words if any.

Nothing that a form was sent with stands in it: else anybody could have us mail a text of theirs to whom they like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.models import Account, ConfirmationText
from contacts.subscribing import links
from contacts.subscribing.confirm import Invitation, look_at
from contacts.subscribing.words import EmailStatus

__all__ = ["Mail", "compose_mail", "message_of", "send_mail"]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail before it has a receiver; ``body`` is what is seen of ``html``."""

    subject: str
    text: str
    html: str
    body: str


def send_mail(token: str, *, site: str) -> None:
    """Through Django's email backend; raises what that raises, and what ``look_at`` does."""
    invitation = look_at(token)
    if invitation.status == EmailStatus.NEED_CONFIRMATION:
        message_of(invitation, token, site=site).send()


def message_of(
    invitation: Invitation, token: str, *, site: str, connection: BaseEmailBackend | None = None
) -> EmailMultiAlternatives:
    with translation.override(_language(invitation.language_code)):
        mail = compose_mail(links.link_of(token, site=site))
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        to=[invitation.email],
        headers=_headers(links.unsubscribe_link_of(token, site=site)),
        connection=connection,
    )
    message.attach_alternative(mail.html, "text/html")
    return message


def compose_mail(link: str, words: ConfirmationText | None = None) -> Mail:
    """In the language that is active now. ``words`` are those of the account unless they are given."""
    words = words or ConfirmationText.objects.order_by("pk").first() or ConfirmationText()
    account = Account.objects.order_by("pk").first() or Account()
    name = " ".join(account.name.split())
    context: dict[str, Any] = {
        "name": name,
        "link": link,
        "days": settings.CONFIRMATION_LINK_DAYS,
        **{part: _fill(getattr(words, part), name) for part in ("text", "button", "closing")},
    }
    subject = _fill(words.subject, name) or _("Confirm your subscription to {name}").format(name=name)
    text, body = (render_to_string(f"contacts/mail/{name}", context) for name in ("confirm.txt", "confirm_body.html"))
    html = render_to_string("contacts/mail/confirm.html", {**context, "body": body})
    return Mail(" ".join(subject.split()), text, html, body)


def _fill(text: str, name: str) -> str:
    """A mere replacement: a brace too many is no reason to send nothing."""
    return text.strip().replace("{name}", name)


def _headers(unsubscribe_link: str) -> dict[str, str]:
    """Mail programs offer to unsubscribe, with one press where the link is a safe one (RFC 8058)."""
    headers = {"Auto-Submitted": "auto-generated", "List-Unsubscribe": f"<{unsubscribe_link}>"}
    if unsubscribe_link.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _language(code: str | None) -> str:
    try:
        return translation.get_supported_language_variant((code or "").lower())
    except LookupError:
        return str(settings.LANGUAGE_CODE)
