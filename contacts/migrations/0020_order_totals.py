"""What the delivered orders of each contact come to by currency, for the orders that there are."""

from django.db import migrations, models

FILL = """
INSERT INTO contacts_ordertotal (contact_id, currency, count, amount, first_at, last_at)
SELECT contact_id, currency, count(*), sum(total_cost), min(ordered_at), max(ordered_at)
FROM contacts_order WHERE status = 'DELIVERED' GROUP BY contact_id, currency
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0019_duplicate_lists")]

    operations = [
        migrations.CreateModel(
            name="OrderTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact_id", models.BigIntegerField(verbose_name="contact ID")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("count", models.BigIntegerField(verbose_name="orders")),
                ("amount", models.DecimalField(decimal_places=4, max_digits=24, verbose_name="sum")),
                ("first_at", models.DateTimeField(verbose_name="first order")),
                ("last_at", models.DateTimeField(verbose_name="last order")),
            ],
            options={
                "verbose_name": "total of orders",
                "verbose_name_plural": "totals of orders",
                "constraints": [models.UniqueConstraint(fields=("contact_id", "currency"), name="order_total_once")],
            },
        ),
        # As the others of the contact's family: ready to be distributed (contacts.migrations.0002_database_keys).
        migrations.RunSQL(
            "ALTER TABLE contacts_ordertotal DROP CONSTRAINT contacts_ordertotal_pkey;"
            " ALTER TABLE contacts_ordertotal ADD PRIMARY KEY (contact_id, id);",
            "ALTER TABLE contacts_ordertotal DROP CONSTRAINT contacts_ordertotal_pkey;"
            " ALTER TABLE contacts_ordertotal ADD PRIMARY KEY (id);",
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
