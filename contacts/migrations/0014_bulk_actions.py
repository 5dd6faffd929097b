"""Bulk actions, exports of what was chosen on the list, saved views."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0013_settings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("contactexport", "selection", models.JSONField(blank=True, null=True)),
        migrations.CreateModel(
            name="ContactAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verb",
                    models.CharField(
                        choices=[
                            ("join", "Put into a segment"),
                            ("leave", "Take out of a segment"),
                            ("edit", "Edit a field"),
                            ("unsubscribe", "Unsubscribe"),
                            ("delete", "Delete"),
                            ("restore", "Restore"),
                        ],
                        max_length=12,
                        verbose_name="what",
                    ),
                ),
                ("choices", models.JSONField(blank=True, default=dict)),
                ("selection", models.JSONField(default=dict)),
                ("until_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("cancelled", "cancelled"),
                            ("finished", "finished"),
                            ("failed", "failed"),
                            ("undoing", "being taken back"),
                            ("undone", "taken back"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                (
                    "wish",
                    models.CharField(
                        blank=True, choices=[("pause", "pause"), ("cancel", "cancel")], default="", max_length=10
                    ),
                ),
                ("total", models.BigIntegerField(blank=True, null=True, verbose_name="contacts")),
                ("done", models.BigIntegerField(default=0, verbose_name="contacts done")),
                ("counts", models.JSONField(default=dict, verbose_name="counts by outcome")),
                ("error", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=64, verbose_name="who")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="confirmed")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("taken_up_at", models.DateTimeField(blank=True, null=True)),
                ("taken_up_done", models.BigIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("undo_by", models.CharField(blank=True, default="", max_length=64)),
                ("undo_done", models.BigIntegerField(default=0)),
                ("undo_counts", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "bulk action",
                "verbose_name_plural": "bulk actions",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ("queued", "running", "undoing"))),
                        fields=["status"],
                        name="action_under_way",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("is_shared", models.BooleanField(default=False, verbose_name="shared with everybody")),
                ("query", models.TextField(blank=True, default="")),
                ("columns", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "ordering": ["name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ListTaste",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("columns", models.JSONField(blank=True, default=list)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_list_taste",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "start",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="contacts.savedview",
                    ),
                ),
            ],
            options={
                "verbose_name": "list settings",
                "verbose_name_plural": "list settings",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ActionRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_undo", models.BooleanField(default=False)),
                ("contact_id", models.BigIntegerField(verbose_name="contact ID")),
                ("code", models.CharField(max_length=50, verbose_name="code")),
                ("message", models.TextField(verbose_name="message")),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="contacts.contactaction",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["action", "of_undo", "id"], name="action_row_place")],
            },
        ),
        migrations.CreateModel(
            name="ActionBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "contact_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("effects", models.JSONField(blank=True, null=True)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="batches",
                        to="contacts.contactaction",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("action", "number"), name="action_batch_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("owner", "name"), name="saved_view_name"),
        ),
    ]
