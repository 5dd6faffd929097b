from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class WhenNobody(models.TextChoices):
    """What becomes of an event whose identifiers nobody has."""

    CREATE = "create", _("Create a contact")
    KEEP = "keep", _("Keep the event until the contact comes")
    REFUSE = "refuse", _("Refuse the event")


class EventType(models.Model):
    """A kind of event, made the first time one arrives.

    ``has_more_parameters`` says that its events have more parameters than are listed.
    """

    key = models.CharField(_("key"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200, default="", blank=True)
    description = models.CharField(
        _("description"),
        max_length=500,
        default="",
        blank=True,
        help_text=_("When such an event is sent, and by what. For the people who build segments."),
    )
    when_nobody = models.CharField(
        _("when nobody matches"),
        max_length=10,
        choices=WhenNobody.choices,
        default=WhenNobody.CREATE,
        help_text=_("A contact is created only for an external ID, email or phone."),
    )
    is_once_per_key = models.BooleanField(
        _("once per key"),
        default=False,
        help_text=_("An event whose key came before with this type is accepted and not stored again."),
    )
    is_for_segments = models.BooleanField(
        _("may be used in segments"),
        default=True,
        help_text=_("If not, new conditions are not offered it. Segments that use it go on."),
    )
    has_more_parameters = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("event type")
        verbose_name_plural = _("event types")

    def __str__(self) -> str:
        return self.name or self.key


class Event(models.Model):
    """What somebody did: ``contact_id`` is a contact's id, or the number of a visitor who has no contact yet.

    The table is partitioned by month of ``occurred_at`` and its database key is (contact_id, id, occurred_at), laid
    down by SQL beside this state.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    type_id = models.BigIntegerField(_("type"))
    key = models.CharField(_("key"), max_length=300, default="", blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=20, default="")
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")


class EventReceipt(models.Model):
    """An event that is stored once came: ``id`` is a hash of its type and key."""

    id = models.UUIDField(primary_key=True, editable=False)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("receipt of an event")
        verbose_name_plural = _("receipts of events")
        # Receipts come in the order of their time; what is old is found at the table's beginning.
        indexes = [BrinIndex(fields=["received_at"], name="event_receipt_received", autosummarize=True)]


class EventParameter(models.Model):
    """A parameter that events of a type have: its name, dotted where it is nested, and a kind of value it had.

    ``last_seen_at`` is exact to the hour.
    """

    type = models.ForeignKey(EventType, models.CASCADE, related_name="parameters", verbose_name=_("type"))
    name = models.CharField(_("parameter"), max_length=200)
    kind = models.CharField(_("kind of value"), max_length=10)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("parameter of events")
        verbose_name_plural = _("parameters of events")
        constraints = [models.UniqueConstraint(fields=["type", "name", "kind"], name="event_parameter_once")]

    def __str__(self) -> str:
        return self.name


class UnmatchedEvent(models.Model):
    """An event whose identifiers nobody has yet; it joins whoever gets one of them. ``by`` is who sent it."""

    type = models.ForeignKey(EventType, models.CASCADE, related_name="+", verbose_name=_("type"))
    key = models.CharField(_("key"), max_length=300, default="", blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    source = models.CharField(_("source"), max_length=20, default="")
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), db_index=True)
    by = models.CharField(_("who"), max_length=64)

    class Meta:
        verbose_name = _("unmatched event")
        verbose_name_plural = _("unmatched events")


class UnmatchedName(models.Model):
    """An identifier that an unmatched event names, in the form it is compared in."""

    event = models.ForeignKey(UnmatchedEvent, models.CASCADE, related_name="names")
    kind = models.PositiveSmallIntegerField()
    app = models.CharField(max_length=100, default="", blank=True)
    value = models.TextField(db_collation="C")
    details = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = _("identifier of an unmatched event")
        verbose_name_plural = _("identifiers of unmatched events")
        indexes = [models.Index(fields=["value", "kind", "app"], name="unmatched_name_value")]


class JournalPosition(models.Model):
    """Up to which number of the journal somebody has read it."""

    reader = models.CharField(max_length=40, primary_key=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("position in the journal")
        verbose_name_plural = _("positions in the journal")
