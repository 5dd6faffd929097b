from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.keys import SHARED_KINDS, Kind


class Identifier(models.Model):
    """(kind, app, value) → contact, for every kind, permanent and changeable.

    ``value`` is the compare form, at most 512 bytes. Its database key is (value, id), laid down by SQL in the first
    migration: one index answers every look-up, and the table can be distributed by hash of the value. ``contact_id``
    is a plain number without a foreign key: a visitor's cookie has a number and no contact row.
    """

    kind = models.PositiveSmallIntegerField(
        _("kind"), choices=[(int(kind), kind.name.replace("_", " ").lower()) for kind in Kind]
    )
    app = models.CharField(_("app"), max_length=100, default="", blank=True)
    value = models.TextField(_("value"), db_collation="C")
    contact_id = models.BigIntegerField(_("contact ID"))
    source = models.CharField(_("source"), max_length=20, default="")
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    details = models.JSONField(_("details"), null=True, blank=True)

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        indexes = [models.Index(fields=["contact_id"], name="identifier_contact")]
        constraints = [
            models.UniqueConstraint(
                fields=["value", "kind", "app"],
                name="identifier_unique",
                condition=~Q(kind__in=sorted(SHARED_KINDS)),
            ),
            models.CheckConstraint(name="identifier_kind_known", condition=Q(kind__in=[int(kind) for kind in Kind])),
        ]

    def __str__(self) -> str:
        return f"{Kind(self.kind).slug} {self.value}"
