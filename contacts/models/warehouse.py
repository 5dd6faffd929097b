from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TargetKind(models.TextChoices):
    """Where tables can be kept."""

    POSTGRESQL = "postgresql", _("PostgreSQL")
    BIGQUERY = "bigquery", _("BigQuery")


class Deletions(models.TextChoices):
    """What becomes of contacts that were deleted or merged; those that were erased are removed always."""

    FLAG = "flag", _("keep them, flagged as deleted")
    REMOVE = "remove", _("remove them")


class RunKind(models.TextChoices):
    """Whether a run sends everything anew, or what changed since the last one."""

    FULL = "full", _("full")
    INCREMENTAL = "incremental", _("incremental")


class RunStatus(models.TextChoices):
    """Where a run stands."""

    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class ExportTarget(models.Model):
    """A database of the company that is kept up to date with what is here.

    ``settings`` is what its kind needs and everybody may know; ``secret`` is encrypted (``crm.secrets``) and shown to
    nobody. It runs by the clock either every ``every_minutes`` or at the times of ``cron``, in the account's time zone,
    or, with neither, when somebody asks; ``next_run_at`` is when. ``failed_at``: its last run failed, then.
    """

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=TargetKind.choices)
    settings = models.JSONField(default=dict, blank=True)
    secret = models.BinaryField(null=True, blank=True)
    owner = models.ForeignKey(
        "auth.User",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Gets a mail when a run fails."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    deletions = models.CharField(_("deleted contacts"), max_length=6, choices=Deletions.choices, default=Deletions.FLAG)
    every_minutes = models.PositiveIntegerField(_("every … minutes"), null=True, blank=True)
    cron = models.CharField(_("at the times"), max_length=100, default="", blank=True)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True, db_index=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    checked_at = models.DateTimeField(_("connection tested"), null=True, blank=True)
    check_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("warehouse")
        verbose_name_plural = _("warehouses")

    def __str__(self) -> str:
        return self.name


class ExportTable(models.Model):
    """One data set at a target, and how far it is complete there.

    ``columns`` are the keys that were chosen; they stay until somebody adds one. ``columns_to_fill`` are those that are
    not at the target yet; ``made`` says of what is there name and type, by key. ``position`` is by sequence of ours,
    empty before the first full run; ``filling`` is where a full run stands (``contacts.exports.warehouse.filling``).
    """

    target = models.ForeignKey(ExportTarget, models.CASCADE, related_name="tables")
    data_set = models.CharField(_("data set"), max_length=30)
    table_name = models.CharField(_("table"), max_length=63)
    columns = models.JSONField(_("columns"), default=list)
    columns_to_fill = models.JSONField(default=list, blank=True)
    needs_full = models.BooleanField(default=True)
    made = models.JSONField(default=dict, blank=True)
    position = models.JSONField(default=dict, blank=True)
    filling = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("exported table")
        verbose_name_plural = _("exported tables")
        constraints = [
            models.UniqueConstraint(fields=["target", "data_set"], name="export_table_once"),
            models.UniqueConstraint(fields=["target", "table_name"], name="export_table_name_once"),
        ]

    def __str__(self) -> str:
        return self.table_name


class ExportRun(models.Model):
    """One time that a target was brought up to date.

    ``counts`` are by data set: written, removed. ``progress``: the data set under way, its rows done and their total.
    ``wish`` is "cancel" once somebody asked for it; ``attempts`` counts how often it was taken up at the same place.
    """

    target = models.ForeignKey(ExportTarget, models.CASCADE, related_name="runs", verbose_name=_("warehouse"))
    kind = models.CharField(_("kind"), max_length=11, choices=RunKind.choices)
    by = models.CharField(_("who"), max_length=64)
    status = models.CharField(_("status"), max_length=9, choices=RunStatus.choices, default=RunStatus.QUEUED)
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    counts = models.JSONField(_("rows"), default=dict, blank=True)
    bytes = models.BigIntegerField(_("bytes"), default=0)
    error = models.TextField(_("error"), default="", blank=True)
    error_code = models.CharField(max_length=40, default="", blank=True)
    progress = models.JSONField(default=dict, blank=True)
    wish = models.CharField(max_length=6, default="", blank=True)
    attempts = models.PositiveIntegerField(default=0)
    taken_up_place = models.CharField(max_length=80, default="", blank=True)

    class Meta:
        verbose_name = _("run of a warehouse")
        verbose_name_plural = _("runs of warehouses")
        indexes = [models.Index(fields=["target", "-id"], name="export_run_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["target"],
                condition=models.Q(status__in=("queued", "running")),
                name="export_run_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_id} {self.kind} ({self.status})"
