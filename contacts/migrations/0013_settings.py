"""Settings: languages, the birthday, what is kept how long, subscription categories, changes of custom fields."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# A walk along the index, from one category to the next: there may be millions of consents.
CATEGORIES = """
INSERT INTO contacts_subscriptioncategory (key, name, description, is_default, created_at)
WITH RECURSIVE found (category) AS (
    (SELECT category FROM contacts_consent ORDER BY category LIMIT 1)
    UNION ALL
    SELECT (SELECT category FROM contacts_consent WHERE category > found.category ORDER BY category LIMIT 1)
    FROM found WHERE found.category IS NOT NULL
)
SELECT category, '', '', false, now() FROM found WHERE category IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0012_consents_by_category")]

    operations = [
        migrations.AddField(
            "account",
            "languages",
            models.JSONField(
                blank=True,
                default=list,
                help_text="The languages that contacts are written to in, as codes such as uk; sheets offer them.",
                verbose_name="languages",
            ),
        ),
        migrations.AddField(
            "policy",
            "birthday_field",
            models.ForeignKey(
                blank=True,
                help_text=(
                    "Contacts with the same name and the same date here are shown as possible duplicates. Empty: names"
                    " are not compared."
                ),
                limit_choices_to={"type": "date"},
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="contacts.customfield",
                verbose_name="birthday",
            ),
        ),
        migrations.AddField(
            "policy",
            "journal_kept_days",
            models.PositiveIntegerField(
                blank=True,
                help_text="Days, at least 30. What is older cannot be taken back any more. Empty: for ever.",
                null=True,
                validators=[django.core.validators.MinValueValidator(30)],
                verbose_name="changes are kept",
            ),
        ),
        migrations.AddField(
            "policy",
            "events_kept_months",
            models.PositiveIntegerField(
                blank=True,
                help_text="Whole months beside this one; older ones go month by month. Empty: for ever.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1200),
                ],
                verbose_name="events are kept",
            ),
        ),
        migrations.AddField(
            "policy",
            "import_files_kept_days",
            models.PositiveIntegerField(
                default=30,
                help_text="Days. Its rows can be repaired and run again as long as the file is there.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(36500),
                ],
                verbose_name="files of imports are kept",
            ),
        ),
        migrations.CreateModel(
            name="SubscriptionCategory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=50, unique=True, verbose_name="key")),
                ("name", models.CharField(blank=True, default="", max_length=200, verbose_name="name")),
                ("description", models.TextField(blank=True, default="", verbose_name="description")),
                (
                    "is_default",
                    models.BooleanField(
                        default=False,
                        help_text="Who subscribes by a form that names no category agrees to this one.",
                        verbose_name="agreed to by default",
                    ),
                ),
                ("archived_at", models.DateTimeField(blank=True, null=True, verbose_name="archived")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
            ],
            options={
                "verbose_name": "subscription category",
                "verbose_name_plural": "subscription categories",
                "ordering": ["key"],
            },
        ),
        migrations.CreateModel(
            name="FieldWork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field_key", models.CharField(max_length=50)),
                ("label", models.CharField(max_length=100, verbose_name="field")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("convert", "another type"),
                            ("options", "options changed"),
                            ("key", "becomes a key"),
                            ("plain", "is no key any more"),
                            ("remove", "values removed"),
                        ],
                        max_length=10,
                        verbose_name="what",
                    ),
                ),
                ("wish", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("checking", "being checked"),
                            ("working", "under way"),
                            ("returning", "being taken back"),
                            ("done", "done"),
                            ("refused", "refused"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("turn", models.PositiveSmallIntegerField(default=1)),
                ("mark", models.BigIntegerField(default=0)),
                ("looked_at", models.BigIntegerField(default=0)),
                ("changed", models.BigIntegerField(default=0)),
                ("trouble_count", models.BigIntegerField(default=0)),
                ("troubles", models.JSONField(default=list)),
                ("error", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=64, verbose_name="who")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="asked for")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
            ],
            options={
                "verbose_name": "change of a custom field",
                "verbose_name_plural": "changes of custom fields",
            },
        ),
        migrations.AddConstraint(
            "fieldwork",
            models.UniqueConstraint(
                condition=models.Q(("status__in", ["waiting", "checking", "working", "returning"])),
                fields=("field_key",),
                name="field_work_one_at_a_time",
            ),
        ),
        migrations.RunSQL(CATEGORIES, migrations.RunSQL.noop),
    ]
