import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_watching")]

    operations = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "segment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="snapshot",
                        serialize=False,
                        to="segments.segment",
                    ),
                ),
                ("source_name", models.CharField(max_length=200)),
                ("by", models.CharField(max_length=64, verbose_name="who")),
                ("taken_at", models.DateTimeField(auto_now_add=True, verbose_name="taken")),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "source",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="segments.segment",
                    ),
                ),
            ],
            options={"verbose_name": "snapshot", "verbose_name_plural": "snapshots"},
        ),
    ]
