from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class SegmentType(models.TextChoices):
    """How a segment gets its members."""

    STATIC = "static", _("static")
    DYNAMIC = "dynamic", _("dynamic")
    COMBINED = "combined", _("combined")


class Segment(models.Model):
    """A group of contacts: listed by hand (static), by conditions (dynamic), or by other segments (combined).

    ``definition`` is the condition language's JSON, null for a static one. ``builtin`` names a ready-made segment,
    which cannot be deleted. Rows are written in ``segments.catalogue``.
    """

    name = models.CharField(_("name"), max_length=200)
    type = models.CharField(_("type"), max_length=10, choices=SegmentType.choices, default=SegmentType.DYNAMIC)
    definition = models.JSONField(_("conditions"), null=True, blank=True)
    description = models.TextField(_("description"), default="", blank=True)
    builtin = models.CharField(max_length=40, null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="segment_name",
                violation_error_message=_("There is a segment of this name. Choose another name."),
            ),
            models.CheckConstraint(name="segment_type_known", condition=models.Q(type__in=SegmentType.values)),
            models.CheckConstraint(
                name="segment_static_or_defined",
                condition=models.Q(type=SegmentType.STATIC, definition__isnull=True)
                | (~models.Q(type=SegmentType.STATIC) & models.Q(definition__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_builtin(self) -> bool:
        return self.builtin is not None

    @property
    def is_static(self) -> bool:
        return self.type == SegmentType.STATIC


class Membership(models.Model):
    """A contact is in a static segment.

    It belongs to the contact's family, which can be distributed by contact id, so no database foreign key leaves it.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="memberships", db_constraint=False, db_index=False
    )
    added_at = models.DateTimeField(_("added"))
    by = models.CharField(_("who"), max_length=64)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        indexes = [models.Index(fields=["segment", "contact_id"], name="membership_segment")]
        constraints = [models.UniqueConstraint(fields=["contact_id", "segment"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"
