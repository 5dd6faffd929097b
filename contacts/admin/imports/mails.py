"""The confirmations that an import asked for, in words."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.activity.confirmations import COUNTED_AT_MOST, count_confirmations
from contacts.admin.imports.words import say_number
from contacts.imports.plan import Options
from contacts.models import Confirmation, ConfirmationStatus, Import, ImportContent, ImportStatus

__all__ = ["has_waiting_mails", "say_mails"]

S: Final = ConfirmationStatus
WORDS: Final[dict[str, Any]] = {
    S.SENT: gettext_lazy("{count} sent"),
    S.SENDING: gettext_lazy("{count} being sent"),
    S.WAITING: gettext_lazy("{count} waiting"),
    S.NOT_NEEDED: gettext_lazy("{count} not needed any more"),
    S.STOPPED: gettext_lazy("{count} stopped"),
    S.FAILED: gettext_lazy("{count} failed"),
}


def say_mails(run: Import) -> str:
    """How many stand where; empty where none was asked for."""
    if not _asks(run):
        return ""
    counts = count_confirmations(run.pk)
    said = ", ".join(
        str(words).format(count=say_number(counts[status])) for status, words in WORDS.items() if counts.get(status)
    )
    if not said:
        return _("none")
    if sum(counts.values()) >= COUNTED_AT_MOST:
        said = _("at least {counts}").format(counts=said)
    if counts.get(S.WAITING) and run.status != ImportStatus.FINISHED:
        said = _("{counts}; they leave once the import is finished").format(counts=said)
    return said


def has_waiting_mails(run: Import) -> bool:
    return _asks(run) and Confirmation.objects.filter(import_id=run.pk, status=S.WAITING).exists()


def _asks(run: Import) -> bool:
    return run.content == ImportContent.CONTACTS and Options.from_json(run.options).confirm_emails
