"""What a warehouse needs to be told of changes: marks, the members it was told of, and events by their number."""

import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

# The index leads to places, not to rows: it costs next to nothing as the events grow.
EVENT_NUMBERS = "CREATE INDEX contacts_event_number ON contacts_event USING brin (id) WITH (autosummarize = on)"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0028_room_for_last_seen")]

    operations = [
        migrations.CreateModel(
            name="ExportMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "contact_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("what", models.CharField(max_length=10)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="ExportSegment",
            fields=[
                ("segment_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("row", models.JSONField(null=True)),
                ("number", models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="ExportMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact_id", models.BigIntegerField()),
                ("segment_id", models.BigIntegerField()),
                ("is_in", models.BooleanField()),
                ("number", models.BigIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["number"], name="export_member_number"),
                    models.Index(
                        condition=models.Q(("is_in", True)), fields=["contact_id"], name="export_member_contact"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("segment_id", "contact_id"), name="export_member_once")
                ],
            },
        ),
        migrations.RunSQL(EVENT_NUMBERS, "DROP INDEX contacts_event_number"),
    ]
