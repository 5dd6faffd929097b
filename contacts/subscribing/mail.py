"""The mail with the confirmation link, in the contact's language where we speak it."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from contacts.models import Account
from contacts.subscribing import links
from contacts.subscribing.confirm import look_at
from contacts.subscribing.words import EmailStatus

__all__ = ["send_mail"]


def send_mail(token: str, *, site: str) -> None:
    """Through Django's email backend; raises what that raises, and what ``look_at`` does."""
    invitation = look_at(token)
    if invitation.status != EmailStatus.NEED_CONFIRMATION:
        return
    with translation.override(_language(invitation.language_code)):
        message = _compose(invitation.email, links.link_of(token, site=site))
    message.send()


def _compose(email: str, link: str) -> EmailMultiAlternatives:
    account = Account.objects.order_by("pk").first() or Account()
    context = {"name": " ".join(account.name.split()), "link": link, "days": settings.CONFIRMATION_LINK_DAYS}
    message = EmailMultiAlternatives(
        subject=_("Confirm your subscription to {name}").format(name=context["name"]),
        body=render_to_string("contacts/mail/confirm.txt", context),
        to=[email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("contacts/mail/confirm.html", context), "text/html")
    return message


def _language(code: str | None) -> str:
    try:
        return translation.get_supported_language_variant((code or "").lower())
    except LookupError:
        return str(settings.LANGUAGE_CODE)
