from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0029_warehouse_follows")]

    operations = [
        migrations.AlterField(
            "contactexport",
            "status",
            models.CharField(
                choices=[
                    ("queued", "waiting"),
                    ("running", "running"),
                    ("finished", "finished"),
                    ("failed", "failed"),
                    ("withdrawn", "withdrawn"),
                    ("cancelled", "cancelled"),
                ],
                default="queued",
                max_length=10,
                verbose_name="status",
            ),
        ),
    ]
