"""What the undo of an import needs: rows as they were before, the import's changes found without reading the journal."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_import_wizard")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="undo_mark",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("updated", "updated"),
                    ("deleted", "deleted"),
                    ("restored", "restored"),
                    ("merged", "merged"),
                    ("unmerged", "unmerged"),
                    ("migrated", "identifier migrated"),
                    ("erased", "erased"),
                    ("undone", "import taken back"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
        migrations.AddIndex(
            model_name="change",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["id", "import_id"], name="change_import", autosummarize=True, pages_per_range=32
            ),
        ),
        migrations.CreateModel(
            name="ImportTrace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("import_id", models.BigIntegerField()),
                ("contact_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("identifier", "Identifier"),
                            ("contact", "Contact"),
                            ("events", "Events"),
                            ("case", "Case"),
                        ],
                        max_length=10,
                    ),
                ),
                ("other_id", models.BigIntegerField(blank=True, null=True)),
                ("row", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [models.Index(fields=["import_id", "at"], name="import_trace_at")],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE contacts_importtrace DROP CONSTRAINT contacts_importtrace_pkey;"
            " ALTER TABLE contacts_importtrace ADD PRIMARY KEY (contact_id, id)",
            "ALTER TABLE contacts_importtrace DROP CONSTRAINT contacts_importtrace_pkey;"
            " ALTER TABLE contacts_importtrace ADD PRIMARY KEY (id)",
        ),
    ]
