from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class App(models.Model):
    """A mobile app of the company: ``app_id`` is what a push token names as its app."""

    name = models.CharField(_("name"), max_length=100, help_text=_("What people call it."))
    app_id = models.CharField(
        _("app ID"),
        max_length=100,
        unique=True,
        validators=[RegexValidator(r"\A\S+\Z", _("Write the app ID without spaces."))],
        help_text=_(
            "What its push tokens and calls of your server name, such as com.example.shop. It stays as it is made."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("app")
        verbose_name_plural = _("apps")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class AppKey(models.Model):
    """What an app shows to be let in; it is hashed, and shown once. See ``contacts.mobile.keys``."""

    app = models.ForeignKey(App, models.CASCADE, related_name="keys", verbose_name=_("app"))
    name = models.CharField(_("name"), max_length=100, help_text=_("Which build has it, such as Android 3.2."))
    prefix = models.CharField(_("starts with"), max_length=20, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("app key")
        verbose_name_plural = _("app keys")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class SeenApp(models.Model):
    """An app ID that calls of a server named and that nobody has registered."""

    app_id = models.CharField(_("app ID"), max_length=100, unique=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("app seen")
        verbose_name_plural = _("apps seen")

    def __str__(self) -> str:
        return self.app_id


class SeenDevice(models.Model):
    """That a device of an app was seen lately: only whose it is. What it is stands with the contact's identifiers."""

    app = models.ForeignKey(App, models.CASCADE, related_name="seen", verbose_name=_("app"))
    contact_id = models.BigIntegerField(_("contact ID"))
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("device seen")
        verbose_name_plural = _("devices seen")
        constraints = [models.UniqueConstraint(fields=["app", "contact_id"], name="seen_device_once")]
        indexes = [models.Index(fields=["app", "-seen_at"], name="seen_device_latest")]

    def __str__(self) -> str:
        return f"{self.app_id} {self.contact_id}"
