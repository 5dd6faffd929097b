from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class SegmentType(models.TextChoices):
    """How a segment gets its members."""

    STATIC = "static", _("static")
    DYNAMIC = "dynamic", _("dynamic")
    COMBINED = "combined", _("combined")


class Segment(models.Model):
    """A group of contacts: listed by hand (static), by conditions (dynamic), or by other segments (combined).

    ``definition`` is the condition language's JSON, null for a static one. ``builtin`` names a ready-made segment,
    which cannot be deleted. Rows are written in ``segments.catalogue``.
    """

    name = models.CharField(_("name"), max_length=200)
    type = models.CharField(_("type"), max_length=10, choices=SegmentType.choices, default=SegmentType.DYNAMIC)
    definition = models.JSONField(_("conditions"), null=True, blank=True)
    description = models.TextField(_("description"), default="", blank=True)
    builtin = models.CharField(max_length=40, null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="segment_name",
                violation_error_message=_("There is a segment of this name. Choose another name."),
            ),
            models.CheckConstraint(name="segment_type_known", condition=models.Q(type__in=SegmentType.values)),
            models.CheckConstraint(
                name="segment_static_or_defined",
                condition=models.Q(type=SegmentType.STATIC, definition__isnull=True)
                | (~models.Q(type=SegmentType.STATIC) & models.Q(definition__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_builtin(self) -> bool:
        return self.builtin is not None

    @property
    def is_static(self) -> bool:
        return self.type == SegmentType.STATIC


class Membership(models.Model):
    """A contact is in a static segment.

    It belongs to the contact's family, which can be distributed by contact id, so no database foreign key leaves it.
    """

    contact_id = models.BigIntegerField(_("contact ID"))
    segment = models.ForeignKey(
        Segment, models.CASCADE, related_name="memberships", db_constraint=False, db_index=False
    )
    added_at = models.DateTimeField(_("added"))
    by = models.CharField(_("who"), max_length=64)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        indexes = [models.Index(fields=["segment", "contact_id"], name="membership_segment")]
        constraints = [models.UniqueConstraint(fields=["contact_id", "segment"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class WatchStage(models.TextChoices):
    """How far a history of members is."""

    NEW = "new", _("about to begin")
    SWEEPING = "sweeping", _("looking through all contacts")
    LIVE = "live", _("up to date")


class Cause(models.TextChoices):
    """Why a contact entered or left a segment: what happened, or that time went by."""

    START = "start", _("was in when the history began")
    CONTACT = "contact", _("the contact changed")
    EVENT = "event", _("an event was recorded")
    ORDER = "order", _("an order was recorded")
    CONSENT = "consent", _("a subscription changed")
    LIST = "list", _("put in or taken out by hand, by an import or through the API")
    CASE = "case", _("a duplicate case was opened or closed")
    SEEN = "seen", _("the contact was seen")
    CLOCK = "clock", _("time went by")
    DEFINITION = "definition", _("the conditions changed")
    MERGE = "merge", _("merged with a contact that was in already")
    CHECK = "check", _("found when all contacts were looked through")


class Watch(models.Model):
    """A segment that keeps a history of its members, and how far that is. Its row is the lock of that history.

    ``clock_at`` is the moment up to which the clock was followed. While all contacts are looked through (``stage``
    sweeping, because of ``sweep_cause``), those up to ``swept_to`` are done and the others still to come.
    ``fingerprint`` is of the conditions that the stays were made by, empty where they have to be made anew.
    ``ready_at`` and ``waits_for`` (transactions) make sure that everybody knows of a new watch before its first look.
    """

    segment = models.OneToOneField(Segment, models.CASCADE, primary_key=True, related_name="watch")
    is_on = models.BooleanField(_("keep a history of members"), default=True)
    tells_webhooks = models.BooleanField(
        _("tell webhooks"), default=False, help_text=_("Of everyone who enters or leaves, if they ask for it.")
    )
    records_events = models.BooleanField(
        _("record events"),
        default=False,
        help_text=_("On the contact, segmentEntered and segmentLeft, which other segments can ask about."),
    )
    kept_days = models.PositiveIntegerField(
        _("days that are kept"), default=730, help_text=_("Who left longer ago is forgotten; the sizes stay.")
    )
    stage = models.CharField(max_length=10, choices=WatchStage.choices, default=WatchStage.NEW)
    size = models.BigIntegerField(_("members"), default=0)
    since = models.DateTimeField(_("kept since"), null=True)
    clock_at = models.DateTimeField(null=True)
    sweep_cause = models.CharField(max_length=10, default=Cause.START)
    swept_to = models.BigIntegerField(default=0)
    sweep_end = models.BigIntegerField(default=0)
    fingerprint = models.CharField(max_length=64, default="", blank=True)
    problem = models.TextField(default="", blank=True)
    ready_at = models.DateTimeField(null=True)
    waits_for = ArrayField(models.CharField(max_length=40), null=True)

    class Meta:
        verbose_name = _("history of members")
        verbose_name_plural = _("histories of members")

    def __str__(self) -> str:
        return f"{self.segment_id} {self.stage}"


class Stay(models.Model):
    """A contact was in a watched segment, from ``entered_at`` until ``left_at`` (null: it still is).

    ``entered_ref`` and ``left_ref`` are the numbers of journal entries, where a change was the cause. ``origin_id`` is
    whose stay it was before a merge. Its database key is (contact_id, id); no database foreign key leaves the family.
    """

    segment = models.ForeignKey(Segment, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    contact_id = models.BigIntegerField(_("contact ID"))
    entered_at = models.DateTimeField(_("entered"))
    entered_by = models.CharField(max_length=10)
    entered_ref = models.BigIntegerField(null=True)
    left_at = models.DateTimeField(_("left"), null=True)
    left_by = models.CharField(max_length=10, default="", blank=True)
    left_ref = models.BigIntegerField(null=True)
    origin_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("stay")
        verbose_name_plural = _("stays")
        indexes = [
            models.Index(fields=["segment", "contact_id"], name="stay_segment"),
            models.Index(
                fields=["contact_id"],
                name="stay_handed_over",
                condition=models.Q(origin_id__isnull=False, left_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contact_id", "segment"], condition=models.Q(left_at__isnull=True), name="stay_open_once"
            ),
            models.CheckConstraint(
                condition=models.Q(left_at__isnull=True) | models.Q(left_at__gte=models.F("entered_at")),
                name="stay_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class SegmentSize(models.Model):
    """How large a watched segment was at the end of a day of the account's zone, and how many came and went on it."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes", db_index=False)
    day = models.DateField(_("day"))
    size = models.BigIntegerField(_("members"))
    entered = models.BigIntegerField(_("entered"), default=0)
    left = models.BigIntegerField(_("left"), default=0)

    class Meta:
        verbose_name = _("size of a segment")
        verbose_name_plural = _("sizes of segments")
        constraints = [models.UniqueConstraint(fields=["segment", "day"], name="segment_size_day")]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.day}: {self.size}"


class KnownSize(models.Model):
    """How many members a segment had when it was counted last (``sized_at``), for those that nobody watches.

    ``is_slow`` says that the last attempt, at ``counted_at``, took too long.
    """

    segment = models.OneToOneField(Segment, models.CASCADE, primary_key=True, related_name="known_size")
    size = models.BigIntegerField(_("members"), null=True)
    sized_at = models.DateTimeField(null=True)
    counted_at = models.DateTimeField()
    is_slow = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("known size of a segment")
        verbose_name_plural = _("known sizes of segments")

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.size}"


class ChangedContacts(models.Model):
    """Contacts to be looked at again, written in the transaction of what happened to them (``what``: a cause).

    Nobody writes it while no segment is watched; whoever looked at them takes the row away.
    """

    contact_ids = ArrayField(models.BigIntegerField())
    at = models.DateTimeField()
    what = models.CharField(max_length=10)

    class Meta:
        verbose_name = _("changed contacts")
        verbose_name_plural = _("changed contacts")


class SegmentMove(models.Model):
    """Somebody entered or left a segment that tells of it: what webhooks read and events are recorded from.

    Kept for some weeks. Its database key is (contact_id, id).
    """

    segment = models.ForeignKey(Segment, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    contact_id = models.BigIntegerField(_("contact ID"))
    has_entered = models.BooleanField()
    at = models.DateTimeField()
    cause = models.CharField(max_length=10)
    for_webhooks = models.BooleanField()
    event_is_due = models.BooleanField()

    class Meta:
        verbose_name = _("move of a segment")
        verbose_name_plural = _("moves of segments")
        indexes = [
            models.Index(fields=["id"], name="segment_move_number"),
            models.Index(fields=["id"], name="segment_move_due", condition=models.Q(event_is_due=True)),
        ]


class Snapshot(models.Model):
    """That a static segment was filled with those who were in another one at a moment; ``finished_at`` null: not yet.

    ``error`` says why it could not be filled. The name of the source outlives it.
    """

    segment = models.OneToOneField(Segment, models.CASCADE, primary_key=True, related_name="snapshot")
    source = models.ForeignKey(Segment, models.SET_NULL, null=True, related_name="+")
    source_name = models.CharField(max_length=200)
    by = models.CharField(_("who"), max_length=64)
    taken_at = models.DateTimeField(_("taken"), auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")

    def __str__(self) -> str:
        return f"{self.segment_id} of {self.source_name}"
