from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_export_permission")]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="key",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="key"),
        ),
    ]
