from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class ExportStatus(models.TextChoices):
    """Where an export stands. The file of a withdrawn one may hold somebody who was erased since."""

    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    WITHDRAWN = "withdrawn", _("withdrawn")
    CANCELLED = "cancelled", _("cancelled")


class ContactExport(models.Model):
    """Contacts that become a file in the background: of a segment (``population``), of what was chosen on the list
    (``selection``, see ``contacts.selections``), or all that are active.

    ``format`` is the file's ending, such as csv, xlsx or jsonl.gz. ``columns`` are keys of the registry, empty for all
    that can be read. The file, ``stored_name`` below ``EXPORTS_DIR``, is named by whoever writes it, and is there until
    ``expires_at``.
    """

    population = models.BigIntegerField(null=True, blank=True)
    selection = models.JSONField(null=True, blank=True)
    format = models.CharField(_("format"), max_length=10)
    columns = models.JSONField(default=list, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=ExportStatus.choices, default=ExportStatus.QUEUED)
    rows_total = models.BigIntegerField(_("contacts"), null=True, blank=True)
    rows_done = models.BigIntegerField(_("contacts done"), default=0)
    stored_name = models.CharField(max_length=80, default="", blank=True)
    size_bytes = models.BigIntegerField(_("size"), default=0)
    error = models.TextField(default="", blank=True)
    by = models.CharField(_("who"), max_length=64)
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")

    def __str__(self) -> str:
        return gettext("Export {number}").format(number=self.pk)
