"""The database keys that Django cannot say: they keep the tables ready to be distributed.

Identifiers are keyed by (value, id), the contact family by (contact_id, id); events are partitioned by month.
"""

from django.db import migrations

REKEY = """
ALTER TABLE {table} DROP CONSTRAINT {table}_pkey;
ALTER TABLE {table} ADD PRIMARY KEY ({first}, id);
"""
UNREKEY = """
ALTER TABLE {table} DROP CONSTRAINT {table}_pkey;
ALTER TABLE {table} ADD PRIMARY KEY (id);
"""
KEYS = (
    ("contacts_identifier", "value"),
    ("contacts_change", "contact_id"),
    ("contacts_order", "contact_id"),
    ("contacts_consent", "contact_id"),
    ("contacts_mergemove", "contact_id"),
)

PARTITION_EVENTS = """
CREATE TABLE contacts_event_partitioned (
    LIKE contacts_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS
) PARTITION BY RANGE (occurred_at);
DROP TABLE contacts_event;
ALTER TABLE contacts_event_partitioned RENAME TO contacts_event;
CREATE SEQUENCE contacts_event_id_seq OWNED BY contacts_event.id;
ALTER TABLE contacts_event ALTER COLUMN id SET DEFAULT nextval('contacts_event_id_seq');
ALTER TABLE contacts_event ADD PRIMARY KEY (contact_id, id, occurred_at);
CREATE TABLE contacts_event_default PARTITION OF contacts_event DEFAULT;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        *(
            migrations.RunSQL(
                REKEY.format(table=table, first=first), UNREKEY.format(table=table, first=first)
            )
            for table, first in KEYS
        ),
        migrations.RunSQL(PARTITION_EVENTS, migrations.RunSQL.noop),
        # Counts the transactions that write contacts or identifiers, see contacts.identity.load.
        migrations.RunSQL("CREATE SEQUENCE contacts_gate", "DROP SEQUENCE contacts_gate"),
    ]
