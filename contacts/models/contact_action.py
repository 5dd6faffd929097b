from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ActionVerb(models.TextChoices):
    """What is done to every contact of a selection."""

    JOIN = "join", _("Put into a segment")
    LEAVE = "leave", _("Take out of a segment")
    EDIT = "edit", _("Edit a field")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribe")
    DELETE = "delete", _("Delete")
    RESTORE = "restore", _("Restore")


class ActionStatus(models.TextChoices):
    """Where an action stands."""

    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    CANCELLED = "cancelled", _("cancelled")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    UNDOING = "undoing", _("being taken back")
    UNDONE = "undone", _("taken back")


class ActionWish(models.TextChoices):
    """What somebody wants of an action that runs; it is obeyed between two batches."""

    PAUSE = "pause", _("pause")
    CANCEL = "cancel", _("cancel")


class ContactAction(models.Model):
    """One thing that is done to many contacts: to whom, what, for whom, and how far it came.

    ``selection`` is what was chosen on the list and ``until_id`` the highest contact ID there was when that was
    confirmed. Whom that means is settled once, when the work begins, and kept in batches; ``total`` is their number
    then. ``done`` and ``counts`` move on in the transaction that does a batch; what it writes is by ``action:<id>``.
    ``taken_up_at`` is when the worker last took up what it does now, at the place ``taken_up_done``, for the
    ``attempts``-th time without having come any further.
    """

    verb = models.CharField(_("what"), max_length=12, choices=ActionVerb.choices)
    choices = models.JSONField(default=dict, blank=True)
    selection = models.JSONField(default=dict)
    until_id = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=ActionStatus.choices, default=ActionStatus.QUEUED)
    wish = models.CharField(max_length=10, choices=ActionWish.choices, default="", blank=True)
    total = models.BigIntegerField(_("contacts"), null=True, blank=True)
    done = models.BigIntegerField(_("contacts done"), default=0)
    counts = models.JSONField(_("counts by outcome"), default=dict)
    error = models.TextField(default="", blank=True)
    by = models.CharField(_("who"), max_length=64)
    created_at = models.DateTimeField(_("confirmed"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    taken_up_at = models.DateTimeField(null=True, blank=True)
    taken_up_done = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    undo_by = models.CharField(max_length=64, default="", blank=True)
    undo_done = models.BigIntegerField(default=0)
    undo_counts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        indexes = [
            models.Index(
                fields=["status"],
                name="action_under_way",
                condition=models.Q(status__in=("queued", "running", "undoing")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} ({self.get_status_display()})"


class ActionBatch(models.Model):
    """The next contacts of an action, a transaction's work, ascending by id over all its batches.

    ``effects`` is what taking it back has to know beside the journal.
    """

    action = models.ForeignKey(ContactAction, models.CASCADE, related_name="batches", db_index=False)
    number = models.PositiveIntegerField()
    contact_ids = ArrayField(models.BigIntegerField())
    effects = models.JSONField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "number"], name="action_batch_once")]


class ActionRow(models.Model):
    """A contact that an action could not do, or that taking it back left alone, and why."""

    action = models.ForeignKey(ContactAction, models.CASCADE, related_name="rows", db_index=False)
    of_undo = models.BooleanField(default=False)
    contact_id = models.BigIntegerField(_("contact ID"))
    code = models.CharField(_("code"), max_length=50)
    message = models.TextField(_("message"))

    class Meta:
        indexes = [models.Index(fields=["action", "of_undo", "id"], name="action_row_place")]
