"""The mail to whoever owns a target, when bringing it up to date fails; one for a row of failures."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from contacts.models import ExportRun

__all__ = ["tell_owner"]

logger = logging.getLogger(__name__)


def tell_owner(run: ExportRun) -> None:
    """That it failed, why, and what to do. A mail that cannot be sent is in the log, and breaks nothing."""
    owner = run.target.owner
    if owner is None or not owner.email or not owner.is_active:
        return
    name = " ".join(run.target.name.split())
    subject = _("The export to {name} failed").format(name=name)
    text = "\n\n".join(
        [
            _("The export from {site} to {name} failed.").format(site=settings.SITE_NAME, name=name),
            run.error,
            _("Nothing half-written is left there. It is tried again at its next time."),
            _("The next mail comes when it fails again after it has worked."),
        ]
    )
    try:
        send_mail(subject, text, None, [owner.email])
    except (SMTPException, OSError) as error:
        logger.warning("The mail about the failed export %s was not sent: %s", run.pk, error)
