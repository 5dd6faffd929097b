from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseStatus(models.TextChoices):
    OPEN = "open", _("open")
    MERGED = "merged", _("merged")
    DISMISSED = "dismissed", _("not the same")


class CaseReason(models.TextChoices):
    """Why a case was opened."""

    SHARED = "shared", _("active contacts share this value")
    REFUSED = "refused", _("the policy refused to match by this value")
    CONFLICT = "conflict", _("the external ID belongs to another contact")


class DuplicateCase(models.Model):
    """Contacts that may be one person, found by a value they share: one case a (kind, value) (T13).

    ``dismissed_ids`` are the contacts that a person called *not the same*; the case opens again only when another
    contact joins them.
    """

    kind = models.PositiveSmallIntegerField(_("kind"))
    value = models.TextField(_("value"), db_collation="C")
    reason = models.CharField(_("reason"), max_length=10, choices=CaseReason.choices)
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    dismissed_ids = ArrayField(models.BigIntegerField(), default=list)
    status = models.CharField(_("status"), max_length=10, choices=CaseStatus.choices, default=CaseStatus.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        verbose_name = _("duplicate case")
        verbose_name_plural = _("duplicate cases")
        indexes = [GinIndex(fields=["contact_ids"], name="duplicate_case_contacts")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="duplicate_case_value"),
            models.CheckConstraint(name="duplicate_case_status", condition=models.Q(status__in=CaseStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.value}: {', '.join(str(pk) for pk in self.contact_ids)}"
