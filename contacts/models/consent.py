from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.contact import ChannelState


class Suppression(models.Model):
    """The state of an address or number, kept by keyed hash even after the person is erased (T12)."""

    digest = models.BinaryField(max_length=16, unique=True)
    channel = models.CharField(_("channel"), max_length=10)
    state = models.PositiveSmallIntegerField(_("state"), choices=ChannelState.choices)
    reason = models.CharField(_("reason"), max_length=100, default="", blank=True)
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("who"), max_length=64)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.CheckConstraint(name="suppression_state_known", condition=models.Q(state__in=ChannelState.values))
        ]


class Consent(models.Model):
    """What a contact agreed to, by category. Merging keeps the most restrictive of two (T12)."""

    contact_id = models.BigIntegerField(_("contact ID"))
    category = models.CharField(_("category"), max_length=50)
    granted = models.BooleanField(_("granted"))
    basis = models.TextField(_("basis"), default="", blank=True)
    at = models.DateTimeField(_("when"))
    by = models.CharField(_("who"), max_length=64)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["category", "granted", "contact_id"], name="consent_of_category")]
        constraints = [models.UniqueConstraint(fields=["contact_id", "category"], name="consent_category")]


class SubscriptionCategory(models.Model):
    """What somebody can agree to. One that nobody described appears as soon as somebody agrees to it.

    ``key`` is what stands in ``Consent.category``, in calls and in files. An archived one is not offered any more;
    what was agreed to stands. Who subscribes without saying to what agrees to those that are ``is_default``.
    """

    key = models.CharField(_("key"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=200, default="", blank=True)
    description = models.TextField(_("description"), default="", blank=True)
    is_default = models.BooleanField(
        _("agreed to by default"),
        default=False,
        help_text=_("Who subscribes by a form that names no category agrees to this one."),
    )
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("subscription category")
        verbose_name_plural = _("subscription categories")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name or self.key
