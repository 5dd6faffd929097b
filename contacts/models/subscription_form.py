import secrets
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def make_form_key() -> str:
    """What a form goes by in its address: it says nothing of the form, and is nobody's secret."""
    return secrets.token_hex(8)


def ask_for_email() -> list[dict[str, Any]]:
    return [{"column": "email", "label": "", "is_required": True}]


class SubscriptionForm(models.Model):
    """A form for the people whom the contacts are: at an address of ours, or copied into a page of the company's own.

    ``fields`` are those that it asks, in their order: {"column", "label" ('' is the column's own), "is_required"}.
    Whoever sends it joins the static segments ``groups`` and agrees to ``categories`` (none: the default ones), on the
    basis of ``consent_text``. It leads on to ``redirect_url``, else to a page of ours that says ``thanks``.
    """

    key = models.CharField(max_length=32, unique=True, default=make_form_key, editable=False)
    name = models.CharField(_("name"), max_length=100, help_text=_("For you and your colleagues alone."))
    title = models.CharField(_("heading"), max_length=200, default="", blank=True)
    intro = models.TextField(_("text above the fields"), default="", blank=True, max_length=2_000)
    fields = models.JSONField(_("fields"), default=ask_for_email)
    consent_text = models.TextField(
        _("what people agree to"),
        default="",
        blank=True,
        max_length=2_000,
        help_text=_(
            "Shown with a box that has to be ticked, and kept with each consent as it was worded then. Empty: no box."
        ),
    )
    groups = ArrayField(models.BigIntegerField(), verbose_name=_("segments"), default=list, blank=True)
    categories = ArrayField(
        models.CharField(max_length=50), verbose_name=_("subscription categories"), default=list, blank=True
    )
    button = models.CharField(_("words on the button"), max_length=60, default="", blank=True)
    thanks = models.TextField(_("thank-you text"), default="", blank=True, max_length=2_000)
    redirect_url = models.CharField(
        _("thank-you page of your own"),
        max_length=500,
        default="",
        blank=True,
        help_text=_("An address such as https://shop.example.com/thanks. Empty: a page of ours with the text above."),
    )
    is_active = models.BooleanField(
        _("open"), default=True, help_text=_("A closed form says so to whoever opens or sends it, and takes nothing.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_sent_at = models.DateTimeField(_("last sent"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("subscription form")
        verbose_name_plural = _("subscription forms")

    def __str__(self) -> str:
        return self.name


class ConfirmationText(models.Model):
    """The words of the mail that asks for a confirmation, for the whole account: one row. Empty: ours, which are
    translated. ``{name}`` stands for the account's name; nothing that a form was sent with can stand there."""

    subject = models.CharField(_("subject"), max_length=150, default="", blank=True)
    text = models.TextField(_("text above the button"), default="", blank=True, max_length=2_000)
    button = models.CharField(_("words on the button"), max_length=60, default="", blank=True)
    closing = models.TextField(_("text below the button"), default="", blank=True, max_length=2_000)

    class Meta:
        verbose_name = _("confirmation mail")
        verbose_name_plural = _("confirmation mail")

    def __str__(self) -> str:
        return str(_("Confirmation mail"))
