from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Policy(models.Model):
    """The account's identity policy: one row. The presets stand in ``contacts.identity.policy``."""

    external_id_max_length = models.PositiveIntegerField(
        _("longest external ID"),
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(512)],
        help_text=_("In characters. Longer ones are an error, never cut."),
    )
    tracking_may_set_external_id = models.BooleanField(
        _("tracking and custom events may set an external ID"),
        default=True,
        help_text=_("If not, a known one still finds its contact, an unknown one is ignored with a reason."),
    )
    external_id_attaches_to_found = models.BooleanField(
        _("an external ID attaches to a contact found by email or phone"),
        default=True,
        help_text=_("If not, such a record is refused as a conflict and a case is opened."),
    )
    tracking_may_replace_channels = models.BooleanField(
        _("mobile tracking with a user ID may replace an existing email or phone"),
        default=True,
        help_text=_("If not, tracking only fills empty ones. Web tracking always only fills."),
    )
    merge_anonymous = models.BooleanField(_("anonymous contacts merge into identified ones"), default=True)
    external_ids_may_share_channels = models.BooleanField(
        _("contacts with different external IDs may share an email or phone"),
        default=True,
        help_text=_("If not, the field is refused. Either way a duplicate case is opened."),
    )
    anonymous_erased_after_days = models.PositiveIntegerField(
        _("anonymous contacts are erased after"),
        null=True,
        blank=True,
        help_text=_("Days of inactivity. Empty: never."),
    )
    visitors_erased_after_days = models.PositiveIntegerField(
        _("visitors are erased after"),
        null=True,
        blank=True,
        default=90,
        help_text=_("Days of inactivity. Empty: never."),
    )

    class Meta:
        verbose_name = _("identity policy")
        verbose_name_plural = _("identity policy")

    def __str__(self) -> str:
        return str(_("Identity policy"))


class JunkValue(models.Model):
    """A value, or an RE2 pattern, that this account refuses as an identifier beside the built-in ones."""

    value = models.CharField(_("value or pattern"), max_length=200, unique=True)
    is_pattern = models.BooleanField(_("is a pattern"), default=False)

    class Meta:
        verbose_name = _("junk value")
        verbose_name_plural = _("junk values")

    def __str__(self) -> str:
        return self.value
