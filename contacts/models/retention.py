from django.db import models
from django.utils.translation import gettext_lazy as _


class RetentionRun(models.Model):
    """A run of the retention and its report, which is kept.

    ``lines`` are by rule: what was kept how long, from when to when the rule was applied, what went by table, what
    stayed by reason. Each piece of work is noted in its own transaction, so that the report of a run that was killed is
    true. ``error`` is why it broke off.
    """

    by = models.CharField(_("who"), max_length=64)
    started_at = models.DateTimeField(_("began"))
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    error = models.TextField(_("why it broke off"), default="", blank=True)
    lines = models.JSONField(_("report"), default=dict, blank=True)

    class Meta:
        verbose_name = _("run of the retention")
        verbose_name_plural = _("runs of the retention")
        indexes = [models.Index(fields=["-started_at"], name="retention_run_started")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}"


class NumberToEmpty(models.Model):
    """A contact or visitor that retention erased, whose events go next: nobody can reach them any more.

    Its id is the contact's id or the visitor's number. ``rule`` is the one by which it went.
    """

    id = models.BigIntegerField(primary_key=True)
    rule = models.CharField(max_length=20)

    class Meta:
        verbose_name = _("number whose events go")
        verbose_name_plural = _("numbers whose events go")


class EventWithoutMonth(models.Model):
    """An event in the partition for times that have none of their own."""

    occurred_at = models.DateTimeField(_("occurred"))

    class Meta:
        managed = False
        db_table = "contacts_event_default"
        default_permissions = ()
        verbose_name = _("event without a month")
        verbose_name_plural = _("events without a month")
