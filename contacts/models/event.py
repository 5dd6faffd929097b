from django.db import models
from django.utils.translation import gettext_lazy as _


class EventType(models.Model):
    """A kind of event, made the first time one arrives."""

    key = models.CharField(_("key"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200, default="", blank=True)
    creates_contacts = models.BooleanField(
        _("creates contacts"),
        default=True,
        help_text=_("An event that names an unknown external ID, email or phone creates the contact (L17)."),
    )

    class Meta:
        verbose_name = _("event type")
        verbose_name_plural = _("event types")

    def __str__(self) -> str:
        return self.name or self.key


class Event(models.Model):
    """What somebody did: ``contact_id`` is a contact's id, or the number of a visitor who has no contact yet.

    The table is partitioned by month of ``occurred_at`` and its database key is (contact_id, id, occurred_at), laid
    down by SQL beside this state.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    type_id = models.BigIntegerField(_("type"))
    key = models.CharField(_("key"), max_length=300, default="", blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=20, default="")
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
