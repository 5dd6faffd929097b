from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Webhook(models.Model):
    """An address that is told of changes: which kinds of them, and which columns of their contacts.

    ``positions`` says by source up to which of its numbers everything was delivered or given up. The secret is not
    kept: it is derived from ``salt`` and the installation's key; ``old_salt`` counts for a day after ``salted_at``.
    ``attempts`` is how often the batch under way failed, ``failures`` how often in a row any did; ``last_status`` is
    the HTTP status of the last answer. Who delivers holds a claim until ``claimed_until``.
    """

    name = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("address"), max_length=2000)
    kinds = ArrayField(models.CharField(max_length=40), verbose_name=_("kinds of change"))
    columns = ArrayField(models.CharField(max_length=110), verbose_name=_("columns"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    salt = models.CharField(max_length=64)
    old_salt = models.CharField(max_length=64, default="", blank=True)
    salted_at = models.DateTimeField(default=timezone.now)

    positions = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_delivered_at = models.DateTimeField(_("last delivery"), null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, default="", blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One request that was sent, and what came of it; the last ones are kept to be looked at."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    at = models.DateTimeField(_("when"))
    changes = models.PositiveIntegerField(_("changes"))
    milliseconds = models.PositiveIntegerField(_("took"))
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, default="", blank=True)
    is_test = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [models.Index(fields=["webhook", "-id"], name="webhook_delivery_newest")]

    def __str__(self) -> str:
        return f"{self.webhook_id} {self.at}"


class WebhookDeadLetter(models.Model):
    """A change that could not be delivered: where it stands in its source, and no value of the contact.

    ``replay_at`` is when somebody asked to send it again; it goes once it has arrived.
    """

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="dead_letters", verbose_name=_("webhook"))
    source = models.CharField(max_length=40)
    number = models.BigIntegerField()
    contact_id = models.BigIntegerField(_("contact ID"), db_index=True)
    kind = models.CharField(_("what"), max_length=40)
    at = models.DateTimeField(_("changed"))
    failed_at = models.DateTimeField(_("given up"))
    attempts = models.PositiveIntegerField(_("attempts"))
    error = models.CharField(_("error"), max_length=300)
    replay_at = models.DateTimeField(_("to be sent again"), null=True, blank=True)

    class Meta:
        verbose_name = _("undelivered change")
        verbose_name_plural = _("undelivered changes")
        constraints = [models.UniqueConstraint(fields=["webhook", "source", "number"], name="webhook_dead_letter_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.contact_id}"
