"""Who agreed to a category, or refused it, and which categories there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0011_segment_indexes")]

    operations = [
        migrations.AddIndex(
            "consent",
            models.Index(fields=["category", "granted", "contact_id"], name="consent_of_category"),
        ),
    ]
