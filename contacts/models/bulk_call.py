import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CallStatus(models.TextChoices):
    """Where a bulk call stands."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")


class BulkCall(models.Model):
    """Many contacts that another system sent at once: what it chose, and how far they are.

    ``session`` is the name that the caller asks by. ``records`` are the contacts that are to be resolved, packed, and
    nothing any more once they are. ``done`` of ``total`` move on in the transaction that writes them, so that a killed
    call goes on exactly there; it was taken up ``attempts`` times without having come any further. ``counts`` are by
    outcome, of all that were sent.
    """

    session = models.UUIDField(default=uuid.uuid4, unique=True)
    by = models.CharField(_("who"), max_length=64)
    options = models.JSONField(default=dict)
    records = models.BinaryField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=CallStatus.choices, default=CallStatus.WAITING)
    error = models.TextField(default="", blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("bulk call")
        verbose_name_plural = _("bulk calls")
        indexes = [
            models.Index(fields=["created_at"], name="bulk_call_created"),
            models.Index(
                fields=["changed_at"], name="bulk_call_open", condition=models.Q(status__in=("waiting", "running"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session} ({self.status})"


class BulkRow(models.Model):
    """What became of one contact of a bulk call. ``value`` is what the caller looked it up by, as it was sent."""

    call = models.ForeignKey(BulkCall, models.CASCADE, related_name="rows", db_constraint=False, db_index=False)
    place = models.PositiveIntegerField()
    contact_id = models.BigIntegerField(null=True, blank=True)
    value = models.TextField(default="", blank=True)
    status = models.CharField(_("status"), max_length=10)
    column = models.CharField(_("column"), max_length=200, default="", blank=True)
    code = models.CharField(_("code"), max_length=50, default="", blank=True)
    message = models.TextField(_("message"), default="", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["call", "place"], name="bulk_row_place"),
            models.Index(fields=["contact_id"], name="bulk_row_contact"),
        ]
