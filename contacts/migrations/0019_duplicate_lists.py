"""The lists of duplicate cases, each along an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0018_finding"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="duplicatecase",
            name="duplicate_case_open",
        ),
        migrations.AddIndex(
            model_name="duplicatecase",
            index=models.Index(fields=["status", "-opened_at", "-id"], name="duplicate_case_newest"),
        ),
        migrations.AddIndex(
            model_name="duplicatecase",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["reason", "-opened_at", "-id"],
                name="duplicate_case_reason",
            ),
        ),
    ]
