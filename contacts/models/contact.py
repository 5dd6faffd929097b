from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class ContactState(models.IntegerChoices):
    """Where a contact stands in its life; only *active* and *deleted* ones are sheets that people see."""

    ACTIVE = 1, _("active")
    DELETED = 2, _("deleted")
    MERGED = 3, _("merged")
    ERASED = 4, _("erased")


class ChannelState(models.IntegerChoices):
    """The state of an address or number, ordered from the least to the most restrictive (T12)."""

    ACTIVE = 1, _("active")
    UNCONFIRMED = 2, _("unconfirmed")
    UNSUBSCRIBED = 3, _("unsubscribed")
    BOUNCED = 4, _("bounced")
    BLACKLISTED = 5, _("blacklisted")


class Contact(models.Model):
    """One person's sheet.

    ``id`` is the public contact ID: never reused, never changed. The external ID, email and phone that stand here are
    the *primary* values, to read, list and export by; look-ups go through ``Identifier``. ``identifier_kinds`` is a bit
    mask (``1 << kind``) of the identifier kinds the contact has. ``updated_at`` moves with every change of a field,
    identifier or state, never by being seen.
    """

    external_id = models.CharField(_("external ID"), max_length=512, null=True, blank=True)
    email = models.CharField(_("email"), max_length=320, null=True, blank=True)
    phone = models.CharField(_("phone"), max_length=20, null=True, blank=True)
    contact_key = models.CharField(_("contact key"), max_length=100, null=True, blank=True)
    first_name = models.CharField(_("first name"), max_length=40, null=True, blank=True)
    last_name = models.CharField(_("last name"), max_length=40, null=True, blank=True)
    region = models.CharField(_("region"), max_length=100, null=True, blank=True)
    town = models.CharField(_("town"), max_length=100, null=True, blank=True)
    address = models.CharField(_("address"), max_length=200, null=True, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, null=True, blank=True)
    language_code = models.CharField(_("language"), max_length=20, null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, null=True, blank=True)
    attributes = models.JSONField(_("custom fields"), default=dict, blank=True)

    email_state = models.PositiveSmallIntegerField(
        _("email state"), choices=ChannelState.choices, null=True, blank=True
    )
    email_state_at = models.DateTimeField(null=True, blank=True)
    email_state_reason = models.CharField(max_length=100, null=True, blank=True)
    phone_state = models.PositiveSmallIntegerField(
        _("phone state"), choices=ChannelState.choices, null=True, blank=True
    )
    phone_state_at = models.DateTimeField(null=True, blank=True)
    phone_state_reason = models.CharField(max_length=100, null=True, blank=True)

    state = models.PositiveSmallIntegerField(_("state"), choices=ContactState.choices, default=ContactState.ACTIVE)
    identifier_kinds = models.IntegerField(default=0)
    made_deliberately = models.BooleanField(
        default=False, help_text=_("Made by a person or an import, so never anonymous.")
    )
    order_count = models.IntegerField(default=0)
    source = models.CharField(_("source"), max_length=20, default="api")
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("last change"))
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    # No database foreign key: the single write path keeps it, so that the table can be distributed.
    merged_into = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, blank=True, db_constraint=False, db_index=False
    )

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        permissions = [("export_contact", _("Can export contacts"))]
        indexes = [
            models.Index(fields=["updated_at", "id"], name="contact_updated"),
            models.Index(
                fields=["merged_into"],
                name="contact_merged_into",
                condition=models.Q(merged_into__isnull=False),
            ),
            models.Index(
                fields=["deleted_at", "id"],
                name="contact_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # The segment that is asked for most is counted without reading the contacts.
            models.Index(
                fields=["id"],
                name="contact_without_external_id",
                condition=models.Q(state=ContactState.ACTIVE, external_id__isnull=True),
            ),
            BrinIndex(fields=["created_at"], name="contact_created", autosummarize=True),
        ]
        constraints = [
            models.CheckConstraint(name="contact_state_known", condition=models.Q(state__in=ContactState.values)),
            models.CheckConstraint(
                name="contact_deleted_has_date",
                condition=models.Q(state=ContactState.DELETED, deleted_at__isnull=False)
                | (~models.Q(state=ContactState.DELETED) & ~models.Q(state=ContactState.ACTIVE))
                | models.Q(state=ContactState.ACTIVE, deleted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="contact_merged_has_survivor",
                condition=models.Q(state=ContactState.MERGED, merged_into__isnull=False)
                | (~models.Q(state=ContactState.MERGED) & models.Q(merged_into__isnull=True)),
            ),
            models.CheckConstraint(
                name="contact_channel_states_known",
                condition=(models.Q(email_state__isnull=True) | models.Q(email_state__in=ChannelState.values))
                & (models.Q(phone_state__isnull=True) | models.Q(phone_state__in=ChannelState.values)),
            ),
        ]

    def __str__(self) -> str:
        name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return name or self.email or self.phone or self.external_id or f"id {self.pk}"
