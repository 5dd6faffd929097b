from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangeKind(models.TextChoices):
    """What happened to a contact."""

    CREATED = "created", _("created")
    UPDATED = "updated", _("updated")
    DELETED = "deleted", _("deleted")
    RESTORED = "restored", _("restored")
    MERGED = "merged", _("merged")
    UNMERGED = "unmerged", _("unmerged")
    MIGRATED = "migrated", _("identifier migrated")
    ERASED = "erased", _("erased")
    UNDONE = "undone", _("import taken back")
    DETACHED = "detached", _("identifier detached")
    TAKEN_BACK = "taken_back", _("change taken back")


class Change(models.Model):
    """The journal: append-only, one row a changed contact and cause.

    ``before`` and ``after`` hold just what changed, by column key. ``by`` is ``kind:id`` (user, key, import, tracker,
    rule). ``matched_by`` says how the record found this contact. Its database key is (contact_id, id).
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("who"), max_length=64)
    kind = models.CharField(_("what"), max_length=12, choices=ChangeKind.choices)
    matched_by = models.CharField(_("matched by"), max_length=120, default="", blank=True)
    import_id = models.BigIntegerField(null=True, blank=True)
    merge_id = models.BigIntegerField(null=True, blank=True)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    details = models.JSONField(_("details"), null=True, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        # The journal grows at its end, in the order of its ids: what an import changed is found, and it costs nothing.
        indexes = [BrinIndex(fields=["id", "import_id"], name="change_import", autosummarize=True, pages_per_range=32)]

    def __str__(self) -> str:
        return f"{self.kind} {self.contact_id}"
