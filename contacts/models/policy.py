from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Policy(models.Model):
    """The account's identity policy and retention: one row. The presets stand in ``contacts.identity.types``.

    What is kept has no end where its column is empty.
    """

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
    birthday_field = models.ForeignKey(
        "contacts.CustomField",
        models.SET_NULL,
        null=True,
        blank=True,
        limit_choices_to={"type": "date"},
        related_name="+",
        verbose_name=_("birthday"),
        help_text=_(
            "Contacts with the same name and the same date here are shown as possible duplicates. Empty: names are not"
            " compared."
        ),
    )
    journal_kept_days = models.PositiveIntegerField(
        _("changes are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(30)],
        help_text=_("Days, at least 30. What is older cannot be taken back any more. Empty: for ever."),
    )
    events_kept_months = models.PositiveIntegerField(
        _("events are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_200)],
        help_text=_("Whole months beside this one; older ones go month by month. Empty: for ever."),
    )
    import_files_kept_days = models.PositiveIntegerField(
        _("files of imports are kept"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Days. Its rows can be repaired and run again as long as the file is there."),
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
