from django.core.exceptions import ValidationError
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

    def clean(self) -> None:
        """The key of a field whose values are being removed is not free yet: they would be this one's."""
        removing = FieldWork.objects.filter(field_key=self.key, kind=WorkKind.REMOVE).exclude(
            status__in=(WorkStatus.DONE, WorkStatus.FAILED)
        )
        if self.pk is None and removing.exists():
            raise ValidationError({"key": _("The values of a deleted field with this key are still being removed.")})


class WorkKind(models.TextChoices):
    """What is done to the values of a custom field in the background."""

    CONVERT = "convert", _("another type")
    OPTIONS = "options", _("options changed")
    KEY = "key", _("becomes a key")
    PLAIN = "plain", _("is no key any more")
    REMOVE = "remove", _("values removed")


class WorkStatus(models.TextChoices):
    """How far such a work is."""

    WAITING = "waiting", _("waiting")
    CHECKING = "checking", _("being checked")
    WORKING = "working", _("under way")
    RETURNING = "returning", _("being taken back")
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")


class FieldWork(models.Model):
    """What is done to the values of one custom field: through all contacts, in batches that each commit their mark.

    ``field_key`` outlives the field. ``wish`` says what is wanted: {"type", "options"}, or {"replaced": {old: new},
    "emptied": [old]}. ``mark`` is the contact up to which this ``status`` came in its ``turn``; ``looked_at`` counts
    the values on the way, ``changed`` what was written. ``troubles`` are the first values that stand in the way:
    [{"contact", "value", "message"}], ``trouble_count`` all of them.
    """

    field_key = models.CharField(max_length=50)
    label = models.CharField(_("field"), max_length=100)
    kind = models.CharField(_("what"), max_length=10, choices=WorkKind.choices)
    wish = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=WorkStatus.choices, default=WorkStatus.WAITING)
    turn = models.PositiveSmallIntegerField(default=1)
    mark = models.BigIntegerField(default=0)
    looked_at = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    trouble_count = models.BigIntegerField(default=0)
    troubles = models.JSONField(default=list)
    error = models.TextField(default="", blank=True)
    by = models.CharField(_("who"), max_length=64)
    created_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("change of a custom field")
        verbose_name_plural = _("changes of custom fields")
        constraints = [
            models.UniqueConstraint(
                fields=["field_key"],
                name="field_work_one_at_a_time",
                condition=models.Q(status__in=["waiting", "checking", "working", "returning"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.kind} ({self.status})"
