from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportStatus(models.TextChoices):
    """Where an import stands on its way from an uploaded file to one that was taken back."""

    FETCHING = "fetching", _("being fetched")
    UPLOADED = "uploaded", _("uploaded")
    PREVIEWING = "previewing", _("being previewed")
    PREVIEWED = "previewed", _("previewed")
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    CANCELLED = "cancelled", _("cancelled")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    UNDOING = "undoing", _("being taken back")
    UNDONE = "undone", _("taken back")


class ImportContent(models.TextChoices):
    """What the rows of a file are."""

    CONTACTS = "contacts", _("contacts")
    ORDERS = "orders", _("orders")


class ImportWish(models.TextChoices):
    """What somebody wants of a run; it is obeyed between two batches."""

    PAUSE = "pause", _("pause")
    CANCEL = "cancel", _("cancel")


class Import(models.Model):
    """One run of a file: what it was, how it is mapped, how far it came.

    ``rows_done`` moves on in the transaction that writes the rows, so that a killed run goes on exactly there.
    ``file_name`` is what the person called the file, ``stored_name`` the one below ``IMPORTS_DIR`` ('' where the file
    stayed where it was), ``link`` where a file is fetched from before there is one. ``mapping`` has one entry a column:
    {"header", "target", "overwrite"}; what targets and ``options`` are depends on ``content``. ``run_seconds`` are
    those that it worked, without pauses. ``taken_up_at`` is when the worker last took up what it does now, at the row
    ``taken_up_rows``, for the ``attempts``-th time without having come any further. What it journaled from the id
    ``undo_mark`` on has been taken back, for ``undo_by``.
    """

    content = models.CharField(
        _("content"), max_length=10, choices=ImportContent.choices, default=ImportContent.CONTACTS
    )
    file_name = models.CharField(_("file"), max_length=255)
    stored_name = models.CharField(max_length=255, default="", blank=True)
    link = models.TextField(default="", blank=True)
    file_digest = models.CharField(max_length=64, default="", blank=True)
    size_bytes = models.BigIntegerField(_("size"), default=0)
    kind = models.CharField(_("kind of file"), max_length=10, default="csv")
    encoding = models.CharField(_("encoding"), max_length=20, default="utf-8")
    delimiter = models.CharField(_("delimiter"), max_length=1, default=",", blank=True)
    has_header = models.BooleanField(_("the first line is a header"), default=True)
    sheet = models.CharField(_("sheet"), max_length=255, default="", blank=True)
    headers = models.JSONField(default=list, blank=True)
    samples = models.JSONField(default=list, blank=True)

    mapping = models.JSONField(default=list, blank=True)
    options = models.JSONField(default=dict)

    status = models.CharField(_("status"), max_length=10, choices=ImportStatus.choices, default=ImportStatus.UPLOADED)
    wish = models.CharField(max_length=10, choices=ImportWish.choices, default="", blank=True)
    rows_total = models.BigIntegerField(_("rows"), null=True, blank=True)
    rows_done = models.BigIntegerField(_("rows done"), default=0)
    counts = models.JSONField(_("counts by outcome"), default=dict)
    error = models.TextField(default="", blank=True)
    by = models.CharField(_("who"), max_length=64)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    run_seconds = models.FloatField(default=0)
    taken_up_at = models.DateTimeField(null=True, blank=True)
    taken_up_rows = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)

    preview_counts = models.JSONField(null=True, blank=True)
    preview_rows_done = models.BigIntegerField(default=0)
    undo_counts = models.JSONField(null=True, blank=True)
    undo_done = models.BigIntegerField(default=0)
    undo_total = models.BigIntegerField(null=True, blank=True)
    undo_by = models.CharField(max_length=64, default="", blank=True)
    undo_mark = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [models.Index(fields=["file_digest", "status"], name="import_digest")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


class ImportRow(models.Model):
    """A row of an import that failed, was skipped or warned; the others leave no row here."""

    import_run = models.ForeignKey(Import, models.CASCADE, related_name="rows", db_column="import_id")
    row = models.BigIntegerField(_("row"))
    contact_id = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(_("status"), max_length=10)
    column = models.CharField(_("column"), max_length=200, default="", blank=True)
    code = models.CharField(_("code"), max_length=50)
    message = models.TextField(_("message"))

    class Meta:
        indexes = [models.Index(fields=["import_run", "row"], name="import_row_row")]


class PreviewRow(models.Model):
    """What one row of a file would do. Its table is unlogged: a crash of the database empties it, a new preview fills
    it again.

    ``changes`` are {column: [old, new]}, ``problems`` a list of {column, code, message}.
    """

    import_run = models.ForeignKey(
        Import, models.CASCADE, related_name="preview_rows", db_column="import_id", db_constraint=False, db_index=False
    )
    row = models.BigIntegerField(_("row"))
    status = models.CharField(_("status"), max_length=10)
    contact_id = models.BigIntegerField(null=True, blank=True)
    matched_by = models.CharField(max_length=120, default="", blank=True)
    rule = models.CharField(max_length=10, default="", blank=True)
    changes = models.JSONField(default=dict)
    problems = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["import_run", "row"], name="preview_row_row"),
            models.Index(fields=["import_run", "status", "row"], name="preview_row_status"),
        ]


class ImportFix(models.Model):
    """A cell that a person corrected in place; the reader lays it over the row. ``column`` counts from 0."""

    import_run = models.ForeignKey(Import, models.CASCADE, related_name="fixes", db_column="import_id", db_index=False)
    row = models.BigIntegerField(_("row"))
    column = models.IntegerField(_("column"))
    value = models.TextField(_("value"), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["import_run", "row", "column"], name="import_fix_once")]


class EffectKind(models.TextChoices):
    """What an import did beside a contact's own columns."""

    JOINED = "joined", _("joined a segment")
    LEFT = "left", _("left a segment")
    CONSENT = "consent", _("consent")


class ImportEffect(models.Model):
    """What an import did to a contact outside the journal, so that the undo can take it back.

    ``population`` is the group that was joined or left. ``before`` is what stood there: the membership that was left
    (added_at, by), the consent as it was or null where there was none; ``after`` the consent as it became.
    """

    import_run = models.ForeignKey(
        Import, models.CASCADE, related_name="effects", db_column="import_id", db_constraint=False, db_index=False
    )
    contact_id = models.BigIntegerField(_("contact ID"))
    kind = models.CharField(max_length=10, choices=EffectKind.choices)
    population = models.BigIntegerField(null=True, blank=True)
    category = models.CharField(max_length=50, default="", blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["import_run", "contact_id"], name="import_effect_contact"),
            models.Index(fields=["contact_id"], name="import_effect_of"),
        ]


class ImportedOrder(models.Model):
    """What an import did to an order, so that the undo can put it back: a row a transaction that wrote it, at ``at``.

    ``before`` are the order's columns as they were, null for one that the import made. ``events`` are those that came
    with it: [type, when].
    """

    import_run = models.ForeignKey(
        Import, models.CASCADE, related_name="orders", db_column="import_id", db_constraint=False, db_index=False
    )
    contact_id = models.BigIntegerField(_("contact ID"))
    number = models.CharField(max_length=200)
    before = models.JSONField(null=True, blank=True)
    events = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["import_run", "id"], name="imported_order_import"),
            models.Index(fields=["contact_id"], name="imported_order_of"),
            models.Index(fields=["number"], name="imported_order_number"),
        ]


class UndoKept(models.Model):
    """What the undo of an import left alone, because somebody changed it since."""

    import_run = models.ForeignKey(Import, models.CASCADE, related_name="kept", db_column="import_id", db_index=False)
    contact_id = models.BigIntegerField(_("contact ID"))
    columns = models.JSONField(default=list)
    reason = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["import_run", "contact_id"], name="undo_kept_contact")]
