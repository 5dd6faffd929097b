"""What segments read: contacts without external ID, times in windows, events by type and period, orders by status."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models

# A partitioned table cannot have its index made by Django's state: the model is unaware of the partitions.
EVENTS = (
    "CREATE INDEX contacts_event_type_at ON contacts_event (type_id, occurred_at) INCLUDE (contact_id)",
    "DROP INDEX contacts_event_type_at",
)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0010_bulk_calls_and_exports")]

    operations = [
        migrations.AddIndex(
            "contact",
            models.Index(
                fields=["id"],
                name="contact_without_external_id",
                condition=models.Q(state=1, external_id__isnull=True),
            ),
        ),
        migrations.AddIndex("contact", BrinIndex(fields=["created_at"], name="contact_created", autosummarize=True)),
        migrations.AddIndex(
            "order",
            models.Index(fields=["status", "ordered_at"], name="order_status_at", include=["contact_id", "total_cost"]),
        ),
        migrations.RunSQL(*EVENTS),
    ]
