from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Merge(models.Model):
    """One contact was merged into another; holds all that taking it back needs.

    ``filled`` maps each column of the survivor that the merge wrote to ``[before, after]``. ``identifiers`` lists the
    moved ``[kind, app, value]``. Rows of other tables stand in ``MergeMove``. ``clearing_id`` is the ``Clearing`` that
    merged many at once.
    """

    contact_id = models.BigIntegerField(_("survivor"))
    loser_id = models.BigIntegerField(_("loser"))
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("who"), max_length=64)
    rule = models.CharField(_("rule"), max_length=10, default="", blank=True)
    filled = models.JSONField(default=dict)
    identifiers = models.JSONField(default=list)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.CharField(max_length=64, default="", blank=True)
    clearing_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        indexes = [
            models.Index(fields=["contact_id"], name="merge_contact"),
            models.Index(fields=["loser_id"], name="merge_loser"),
            models.Index(fields=["clearing_id"], name="merge_clearing", condition=models.Q(clearing_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id} → {self.contact_id}"


class MergeMove(models.Model):
    """Rows of one table that a merge moved (``row_ids``) or dropped because they collide (``dropped``, kept whole)."""

    contact_id = models.BigIntegerField(_("survivor"))
    merge_id = models.BigIntegerField()
    table = models.CharField(max_length=40)
    row_ids = ArrayField(models.BigIntegerField(), default=list)
    dropped = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["contact_id", "merge_id"], name="merge_move_merge")]
