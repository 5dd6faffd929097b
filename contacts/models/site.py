import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def make_site_key() -> str:
    return f"w_{secrets.token_hex(8)}"


class Site(models.Model):
    """A website whose pages tell of their visitors.

    ``key`` is public, it stands in the pages. ``origins`` are where these pages are, see ``contacts.origins``.
    ``latest`` are the last few events, newest first, each with type, page and time and without a word of whose it was.
    """

    name = models.CharField(_("name"), max_length=100)
    key = models.CharField(_("site key"), max_length=40, unique=True, default=make_site_key, editable=False)
    origins = ArrayField(models.CharField(max_length=300), verbose_name=_("addresses"))
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("If not, its pages send nothing, and nothing is taken from them.")
    )
    needs_consent = models.BooleanField(
        _("consent comes first"),
        default=False,
        help_text=_("Nothing is sent, and no cookie is set, before the page says that the visitor agreed."),
    )
    honours_signals = models.BooleanField(
        _("honour Do Not Track and Global Privacy Control"),
        default=True,
        help_text=_("Of a visitor whose browser asks not to be tracked, nothing is sent and nothing is stored."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_event_at = models.DateTimeField(_("last event"), null=True, blank=True, editable=False)
    last_origin = models.CharField(max_length=300, default="", blank=True, editable=False)
    latest = models.JSONField(default=list, editable=False)

    class Meta:
        verbose_name = _("website")
        verbose_name_plural = _("websites")

    def __str__(self) -> str:
        return self.name
