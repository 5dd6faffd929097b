"""Suggestions for duplicate cases, those that are put off, names with birthdays, merging all clear ones."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0016_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="Clearing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by", models.CharField(max_length=64, verbose_name="who")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("after_id", models.BigIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("merged", models.PositiveIntegerField(default=0)),
                ("left", models.PositiveIntegerField(default=0)),
                ("is_stopped", models.BooleanField(default=False)),
                ("undo_by", models.CharField(blank=True, default="", max_length=64)),
                ("undo_started_at", models.DateTimeField(blank=True, null=True)),
                ("undo_finished_at", models.DateTimeField(blank=True, null=True)),
                ("undone", models.PositiveIntegerField(default=0)),
                ("kept", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "merging of clear cases",
                "verbose_name_plural": "mergings of clear cases",
            },
        ),
        migrations.CreateModel(
            name="Namesake",
            fields=[
                ("contact_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("birthday", models.DateField()),
                ("name_hash", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="NamesakeWalk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field_key", models.CharField(blank=True, default="", max_length=50)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("contact_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="duplicatecase",
            name="later_by",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="duplicatecase",
            name="later_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="put off until"),
        ),
        migrations.AddField(
            model_name="duplicatecase",
            name="suggestion",
            field=models.PositiveSmallIntegerField(
                blank=True,
                choices=[(1, "clear"), (2, "likely"), (3, "unsure"), (4, "unlikely")],
                null=True,
                verbose_name="suggestion",
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="clearing_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="duplicatecase",
            name="reason",
            field=models.CharField(
                choices=[
                    ("shared", "active contacts share this value"),
                    ("refused", "the policy refused to match by this value"),
                    ("conflict", "the external ID belongs to another contact"),
                    ("name", "the same name and birthday"),
                ],
                max_length=10,
                verbose_name="reason",
            ),
        ),
        migrations.AddIndex(
            model_name="duplicatecase",
            index=models.Index(
                condition=models.Q(("status", "open")), fields=["-opened_at", "-id"], name="duplicate_case_open"
            ),
        ),
        migrations.AddIndex(
            model_name="duplicatecase",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["suggestion", "-opened_at", "-id"],
                name="duplicate_case_suggested",
            ),
        ),
        migrations.AddIndex(
            model_name="merge",
            index=models.Index(
                condition=models.Q(("clearing_id__isnull", False)), fields=["clearing_id"], name="merge_clearing"
            ),
        ),
        migrations.AddIndex(
            model_name="namesake",
            index=models.Index(fields=["birthday", "name_hash"], name="namesake_key"),
        ),
    ]
