from django.db import models
from django.utils.translation import gettext_lazy as _


class ConfirmationStatus(models.TextChoices):
    """Where a mail stands. One that was being sent when its worker died may have left: it is not sent again."""

    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    NOT_NEEDED = "not_needed", _("not needed any more")
    STOPPED = "stopped", _("stopped")
    FAILED = "failed", _("failed")


class Confirmation(models.Model):
    """A mail that asks somebody whom an import brought to confirm the email; it waits for its turn.

    ``digest`` is the keyed hash of the address that the file named: nobody is mailed at another one that the contact
    has by then. ``next_try_at`` is when the mail server is asked again.
    """

    import_id = models.BigIntegerField()
    contact_id = models.BigIntegerField(_("contact ID"))
    digest = models.BinaryField(max_length=16)
    status = models.CharField(max_length=10, choices=ConfirmationStatus.choices, default=ConfirmationStatus.WAITING)
    asked_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contact_id", "digest", "import_id"], name="confirmation_once"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], name="confirmation_waiting", condition=models.Q(status="waiting")),
            models.Index(fields=["tried_at"], name="confirmation_tried"),
            models.Index(fields=["import_id", "status"], name="confirmation_of_import"),
        ]
