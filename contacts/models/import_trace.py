from django.db import models


class TraceKind(models.TextChoices):
    """Which row an import touched."""

    IDENTIFIER = "identifier"
    CONTACT = "contact"
    EVENTS = "events"
    CASE = "case"


class ImportTrace(models.Model):
    """A row as it was before an import touched it, where the journal does not say it: its undo puts it back.

    An identifier that went, moved or was refreshed (``row`` is the whole row, ``other_id`` who holds it since), when a
    contact was last seen, the events of a visitor who became known (``other_id`` is the visitor's number), and a
    duplicate case, by id, before and after. ``at`` is that of the journal. Its database key is (contact_id, id).
    """

    import_id = models.BigIntegerField()
    contact_id = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=TraceKind.choices)
    other_id = models.BigIntegerField(null=True, blank=True)
    row = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["import_id", "at"], name="import_trace_at")]
