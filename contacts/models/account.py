from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import models
from django.utils.translation import gettext_lazy as _


class Account(models.Model):
    """The company that uses this installation: one row."""

    name = models.CharField(_("name"), max_length=200, default="Cardfile")
    default_phone_country = models.CharField(
        _("default phone country"),
        max_length=2,
        default="UA",
        help_text=_("Two letters. National phone numbers are read as numbers of this country."),
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    upload_hosts = models.TextField(
        _("hosts of files to import"),
        default="",
        blank=True,
        help_text=_(
            "One a line, such as files.example.com. Other systems may hand over links to CSV files on these hosts, and"
            " on no others."
        ),
    )
    languages = models.JSONField(
        _("languages"),
        default=list,
        blank=True,
        help_text=_("The languages that contacts are written to in, as codes such as uk; sheets offer them."),
    )
    settings_version = models.BigIntegerField(
        default=1, editable=False, help_text="Moves with every change of policy, junk, custom fields or account."
    )

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("account")

    def __str__(self) -> str:
        return self.name


def read_account_zone() -> ZoneInfo:
    """The account's time zone, as it is kept now; UTC where there is none, or this machine does not know it."""
    name = Account.objects.order_by("pk").values_list("time_zone", flat=True).first()
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
