from django.db import models
from django.utils.translation import gettext_lazy as _


class FieldType(models.TextChoices):
    """What a custom field holds; the JSON form is given in ``contacts.columns``."""

    TEXT = "text", _("text")
    LONG_TEXT = "long_text", _("long text")
    NUMBER = "number", _("number")
    DECIMAL = "decimal", _("decimal")
    BOOLEAN = "boolean", _("yes or no")
    DATE = "date", _("date")
    DATETIME = "datetime", _("date and time")
    CHOICE = "choice", _("one of")
    CHOICES = "choices", _("several of")


class CustomField(models.Model):
    """A field that this account adds to every contact; its values stand in ``Contact.attributes`` under ``key``."""

    key = models.SlugField(_("key"), max_length=50, unique=True)
    label = models.CharField(_("label"), max_length=100)
    type = models.CharField(_("type"), max_length=20, choices=FieldType.choices, default=FieldType.TEXT)
    group = models.CharField(_("group"), max_length=100, default="", blank=True)
    options = models.JSONField(_("options"), default=list, blank=True)
    required = models.BooleanField(_("required"), default=False)
    can_be_key = models.BooleanField(
        _("can be a key"),
        default=False,
        help_text=_("Its values become identifiers, so that records can be matched by it."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("custom field")
        verbose_name_plural = _("custom fields")
        ordering = ["group", "label"]

    def __str__(self) -> str:
        return self.label
