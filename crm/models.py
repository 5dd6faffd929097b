from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["ApiKey", "AuditEntry", "LoginAttempts", "RecoveryCode", "Role", "Session", "StoredAnswer"]

UNUSED_AFTER = timedelta(days=90)


class ApiKey(models.Model):
    """What another system shows to be let in. The secret itself is not kept, only its hash; see ``crm.api.keys``."""

    class Scope(models.TextChoices):
        FULL = "full", _("Everything")
        CONTACTS_AND_EVENTS = "contacts_and_events", _("Contacts and events")
        CONTACTS_AND_EVENTS_WRITE = "contacts_and_events_write", _("Contacts and events, add and update only")
        EVENTS = "events", _("Events only")
        READ = "read", _("Read only")

    name = models.CharField(_("name"), max_length=100, help_text=_("The system that uses it."))
    scope = models.CharField(_("scope"), max_length=30, choices=Scope, default=Scope.FULL)
    prefix = models.CharField(_("starts with"), max_length=20, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    calls_a_second = models.PositiveIntegerField(
        _("calls a second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("The most it may make of each kind. Empty: the usual limits (200, searches 50, events 350)."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                name="api_key_scope_is_known",
                condition=models.Q(
                    scope__in=["full", "contacts_and_events", "contacts_and_events_write", "events", "read"]
                ),
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_valid(self) -> bool:
        now = timezone.now()
        return not (self.disabled_at and self.disabled_at <= now) and not (self.expires_at and self.expires_at <= now)

    @property
    def is_forgotten(self) -> bool:
        """Valid, yet not used for 90 days: perhaps nobody needs it, and somebody could find it."""
        return self.is_valid and (self.last_used_at or self.created_at) < timezone.now() - UNUSED_AFTER


class StoredAnswer(models.Model):
    """What was answered to a call with an ``Idempotency-Key``; see ``crm.api.answers``."""

    key = models.ForeignKey(ApiKey, models.CASCADE)
    name_digest = models.BinaryField(max_length=32)
    request_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    about = ArrayField(models.BigIntegerField(), null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["key", "name_digest"], name="stored_answer_once"),)
        indexes = (
            models.Index(fields=["created_at"], name="stored_answer_created"),
            GinIndex(fields=["about"], name="stored_answer_about"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class AuditEntry(models.Model):
    """Who came in, and what was done with keys, settings and files; see ``crm.audit``. Only ever added to."""

    class Action(models.TextChoices):
        SIGNED_IN = "signed_in", _("Signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("Could not sign in")
        LOCKED_OUT = "locked_out", _("Locked out")
        UNLOCKED = "unlocked", _("Unlocked")
        SIGNED_OUT = "signed_out", _("Signed out")
        SESSION_ENDED = "session_ended", _("Session ended")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        TWO_FACTOR_ON = "two_factor_on", _("Two-factor login switched on")
        TWO_FACTOR_OFF = "two_factor_off", _("Two-factor login switched off")
        TWO_FACTOR_RESET = "two_factor_reset", _("Two-factor login reset")
        RECOVERY_CODES_MADE = "recovery_codes_made", _("Recovery codes made")
        RECOVERY_CODE_USED = "recovery_code_used", _("Recovery code used")
        INVITED = "invited", _("Invited")
        ROLE_CHANGED = "role_changed", _("Role changed")
        KEY_MADE = "key_made", _("API key made")
        KEY_DISABLED = "key_disabled", _("API key disabled")
        KEY_ENABLED = "key_enabled", _("API key enabled again")
        KEY_USED = "key_used", _("API key used")
        EXPORTED = "exported", _("Exported")
        DOWNLOADED = "downloaded", _("Downloaded")
        ADDED = "added", _("Added")
        CHANGED = "changed", _("Changed")
        DELETED = "deleted", _("Deleted")
        STARTED = "started", _("Started")

    at = models.DateTimeField(_("when"), editable=False)
    by = models.CharField(_("by"), max_length=100, blank=True, editable=False)
    who = models.CharField(_("who"), max_length=150, blank=True, editable=False)
    action = models.CharField(_("what"), max_length=30, choices=Action, editable=False)
    about = models.CharField(_("about"), max_length=200, blank=True, editable=False)
    details = models.JSONField(_("details"), default=dict, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, editable=False)
    user_agent = models.CharField(_("device"), max_length=300, blank=True, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-pk",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["by", "-id"], name="audit_by"),
            models.Index(fields=["about", "-id"], name="audit_about"),
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.at:%Y-%m-%d %H:%M})"


class Session(AbstractBaseSession):
    """Django's session, and who it is of, so that people see theirs and can end them; see ``crm.login.sessions``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> type:
        from crm.login.sessions import SessionStore

        return SessionStore


class LoginAttempts(models.Model):
    """How often signing in failed, for one account or one address; see ``crm.login.attempts``."""

    key = models.CharField(max_length=100, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, editable=False, verbose_name=_("account"), related_name="+"
    )
    failures = models.PositiveIntegerField(_("failures"), default=0, editable=False)
    failed_at = models.DateTimeField(_("last failure"), editable=False)
    locked_until = models.DateTimeField(_("locked until"), null=True, editable=False)

    class Meta:
        verbose_name = _("lock-out")
        verbose_name_plural = _("lock-outs")
        default_permissions = ("view",)
        indexes = (models.Index(fields=["failed_at"], name="login_attempts_failed"),)

    def __str__(self) -> str:
        return str(self.user or _("An unknown account")) if self.key.startswith("account:") else self.key[8:]


class RecoveryCode(models.Model):
    """Lets its user in once, in the place of the second factor. Only its hash is kept; see ``crm.login.recovery``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once"),)

    def __str__(self) -> str:
        return f"{self.pk}"


class Role(models.Model):
    """What an administrator can decide of a role; what it may do is a rule of ``crm.roles``."""

    key = models.CharField(max_length=50, unique=True, editable=False)
    group = models.OneToOneField(Group, models.CASCADE, editable=False)
    two_factor_required = models.BooleanField(
        _("two-factor login is required"),
        default=False,
        help_text=_("Whoever has the role sets it up right after signing in, before anything else."),
    )

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.group.name
