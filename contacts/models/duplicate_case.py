from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NAME_KIND = 0
"""The kind of a case whose contacts share a name and a birthday, which is no identifier."""


class CaseStatus(models.TextChoices):
    OPEN = "open", _("open")
    MERGED = "merged", _("merged")
    DISMISSED = "dismissed", _("not the same")


class CaseReason(models.TextChoices):
    """Why a case was opened."""

    SHARED = "shared", _("active contacts share this value")
    REFUSED = "refused", _("the policy refused to match by this value")
    CONFLICT = "conflict", _("the external ID belongs to another contact")
    NAME = "name", _("the same name and birthday")


class Suggestion(models.IntegerChoices):
    """How sure it is that the contacts of a case are one person; the table is ``contacts.identity.suggestions``."""

    CLEAR = 1, _("clear")
    LIKELY = 2, _("likely")
    UNSURE = 3, _("unsure")
    UNLIKELY = 4, _("unlikely")


class DuplicateCase(models.Model):
    """Contacts that may be one person, found by a value they share: one case a (kind, value) (T13).

    ``dismissed_ids`` are the contacts that a person called *not the same*; the case opens again only when another
    contact joins them. ``suggestion`` is what the periodic job made of it last, None before it came by. A case that was
    put off stays open and waits again from ``later_until`` on.
    """

    kind = models.PositiveSmallIntegerField(_("kind"))
    value = models.TextField(_("value"), db_collation="C")
    reason = models.CharField(_("reason"), max_length=10, choices=CaseReason.choices)
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    dismissed_ids = ArrayField(models.BigIntegerField(), default=list)
    status = models.CharField(_("status"), max_length=10, choices=CaseStatus.choices, default=CaseStatus.OPEN)
    suggestion = models.PositiveSmallIntegerField(_("suggestion"), choices=Suggestion.choices, null=True, blank=True)
    later_until = models.DateTimeField(_("put off until"), null=True, blank=True)
    later_by = models.CharField(max_length=64, default="", blank=True)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        verbose_name = _("duplicate case")
        verbose_name_plural = _("duplicate cases")
        indexes = [
            GinIndex(fields=["contact_ids"], name="duplicate_case_contacts"),
            models.Index(fields=["status", "-opened_at", "-id"], name="duplicate_case_newest"),
            models.Index(
                fields=["reason", "-opened_at", "-id"],
                name="duplicate_case_reason",
                condition=models.Q(status=CaseStatus.OPEN),
            ),
            models.Index(
                fields=["suggestion", "-opened_at", "-id"],
                name="duplicate_case_suggested",
                condition=models.Q(status=CaseStatus.OPEN),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="duplicate_case_value"),
            models.CheckConstraint(name="duplicate_case_status", condition=models.Q(status__in=CaseStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.value}: {', '.join(str(pk) for pk in self.contact_ids)}"


class Namesake(models.Model):
    """The name and birthday of a contact that has both, as they are compared: the name is a stable 64-bit hash.

    Written by the periodic job alone, so that no other write pays for it.
    """

    contact_id = models.BigIntegerField(primary_key=True)
    birthday = models.DateField()
    name_hash = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["birthday", "name_hash"], name="namesake_key")]


class NamesakeWalk(models.Model):
    """How far the search for names and birthdays came: one row.

    All that changed before (``changed_at``, ``contact_id``) was looked at with ``field_key`` as the birthday.
    """

    field_key = models.CharField(max_length=50, default="", blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)
    contact_id = models.BigIntegerField(default=0)


class Clearing(models.Model):
    """All clear cases of one moment are being merged, one after the other, or were; its merges name it.

    ``done`` of ``total`` cases were looked at, up to the case ``after_id``; ``left`` of them were not clear any more.
    It can be taken back as a whole: ``undone`` of its merges went back, ``kept`` could not.
    """

    by = models.CharField(_("who"), max_length=64)
    created_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    after_id = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    merged = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    is_stopped = models.BooleanField(default=False)
    undo_by = models.CharField(max_length=64, default="", blank=True)
    undo_started_at = models.DateTimeField(null=True, blank=True)
    undo_finished_at = models.DateTimeField(null=True, blank=True)
    undone = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    error = models.TextField(default="", blank=True)

    class Meta:
        verbose_name = _("merging of clear cases")
        verbose_name_plural = _("mergings of clear cases")

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d}: {self.merged}"
