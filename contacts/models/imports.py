from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportStatus(models.TextChoices):
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")


class Import(models.Model):
    """One run of a file: what it was, how it is mapped, how far it came.

    ``rows_done`` moves on in the transaction that writes the rows, so that a killed run goes on exactly there.
    """

    file_name = models.CharField(_("file"), max_length=255)
    file_digest = models.CharField(max_length=64)
    options = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=ImportStatus.choices, default=ImportStatus.RUNNING)
    rows_done = models.BigIntegerField(_("rows done"), default=0)
    counts = models.JSONField(_("counts by outcome"), default=dict)
    error = models.TextField(default="", blank=True)
    by = models.CharField(_("who"), max_length=64)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [models.Index(fields=["file_digest", "status"], name="import_digest")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


class ImportRow(models.Model):
    """A row of an import that failed, was skipped or warned; the others leave no row here."""

    import_run = models.ForeignKey(Import, models.CASCADE, related_name="rows", db_column="import_id")
    row = models.BigIntegerField(_("row"))
    contact_id = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(_("status"), max_length=10)
    column = models.CharField(_("column"), max_length=200, default="", blank=True)
    code = models.CharField(_("code"), max_length=50)
    message = models.TextField(_("message"))

    class Meta:
        indexes = [models.Index(fields=["import_run", "row"], name="import_row_row")]
