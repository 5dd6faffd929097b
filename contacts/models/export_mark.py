from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class ExportMark(models.Model):
    """Something happened to these contacts that the journal does not tell (``what``: order, seen).

    Nobody writes it while nothing is exported to a warehouse; it goes once every target has read it.
    """

    contact_ids = ArrayField(models.BigIntegerField())
    what = models.CharField(max_length=10)
    at = models.DateTimeField(default=timezone.now)


class ExportSegment(models.Model):
    """A segment as targets were last told of it; ``row`` null: it is no more. ``number`` grows with every change.

    Written in ``contacts.exports.warehouse.members`` alone.
    """

    segment_id = models.BigIntegerField(primary_key=True)
    row = models.JSONField(null=True)
    number = models.BigIntegerField(db_index=True)


class ExportMember(models.Model):
    """Whether a contact was in a segment when that was last looked at for a warehouse; who left stays, to be told.

    ``number`` grows with every change.
    """

    contact_id = models.BigIntegerField()
    segment_id = models.BigIntegerField()
    is_in = models.BooleanField()
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment_id", "contact_id"], name="export_member_once")]
        indexes = [
            models.Index(fields=["number"], name="export_member_number"),
            models.Index(fields=["contact_id"], name="export_member_contact", condition=models.Q(is_in=True)),
        ]
