"""The months of the events: two years back and three months ahead, and the index by which a timeline is read."""

from django.db import migrations

from contacts.activity.partitions import ensure_partitions

INDEX = "CREATE INDEX contacts_event_contact_at ON contacts_event (contact_id, occurred_at, id)"


def make_partitions(apps, schema_editor):
    ensure_partitions(months_back=24, months_ahead=3, using=schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_database_keys")]

    operations = [
        migrations.RunSQL(INDEX, "DROP INDEX contacts_event_contact_at"),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
    ]
