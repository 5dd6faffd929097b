"""Files of orders: what the rows of an import are, and what an import did to orders."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0025_apps")]

    operations = [
        migrations.AddField(
            "import",
            "content",
            models.CharField(
                choices=[("contacts", "contacts"), ("orders", "orders")],
                default="contacts",
                max_length=10,
                verbose_name="content",
            ),
        ),
        migrations.CreateModel(
            name="ImportedOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact_id", models.BigIntegerField(verbose_name="contact ID")),
                ("number", models.CharField(max_length=200)),
                ("before", models.JSONField(blank=True, null=True)),
                ("events", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                (
                    "import_run",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orders",
                        to="contacts.import",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["import_run", "id"], name="imported_order_import"),
                    models.Index(fields=["contact_id"], name="imported_order_of"),
                    models.Index(fields=["number"], name="imported_order_number"),
                ],
            },
        ),
    ]
