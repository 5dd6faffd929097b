"""Links by which people choose their own password: for new users, and for those who forgot theirs.

Django's token is signed, good for PASSWORD_RESET_TIMEOUT, and void once the password or the address changed or the
user signed in. Nothing is kept of it.
"""

from __future__ import annotations

from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from crm.addresses import public_url
from crm.audit import Action, actor_of, note
from crm.errors import CardfileError

__all__ = ["MailNotSent", "invite", "link_for", "send_link"]


class MailNotSent(CardfileError):
    """The mail could not be sent. Give the link to the person yourself, and check EMAIL_URL."""

    code = "mail_not_sent"


def link_for(user: User, request: HttpRequest) -> str:
    """The whole address, for a mail or to be copied."""
    token = default_token_generator.make_token(user)
    address = reverse("admin:welcome", args=[urlsafe_base64_encode(force_bytes(user.pk)), token])
    return public_url(request) + address


def invite(user: User, request: HttpRequest) -> str:
    """Make the link, and write down that it was made; never the link itself."""
    note(
        Action.INVITED,
        by=actor_of(request),
        about=f"auth.user:{user.pk}",
        details={"name": user.username},
        request=request,
    )
    return link_for(user, request)


def send_link(user: User, link: str) -> None:
    """Raises ``MailNotSent``."""
    context = {
        "user": user,
        "link": link,
        "site": settings.SITE_NAME,
        "days": settings.PASSWORD_RESET_TIMEOUT // 86_400,
    }
    text = render_to_string("login/mail/invitation.txt", context)
    try:
        send_mail(_("Your account at {site}").format(site=settings.SITE_NAME), text, None, [user.email])
    except (SMTPException, OSError) as error:
        raise MailNotSent from error
