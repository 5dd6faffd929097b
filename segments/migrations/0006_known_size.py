"""How large segments were when they were counted last."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("segments", "0005_lengths_of_time"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownSize",
            fields=[
                (
                    "segment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="known_size",
                        serialize=False,
                        to="segments.segment",
                    ),
                ),
                ("size", models.BigIntegerField(null=True, verbose_name="members")),
                ("sized_at", models.DateTimeField(null=True)),
                ("counted_at", models.DateTimeField()),
                ("is_slow", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "known size of a segment",
                "verbose_name_plural": "known sizes of segments",
            },
        ),
    ]
