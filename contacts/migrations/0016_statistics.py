"""Figures of the dashboard: what ranges of contacts count, and a number a day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0015_kinds_of_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContactTally",
            fields=[
                ("part", models.BigIntegerField(primary_key=True, serialize=False)),
                ("counts", models.JSONField(default=dict)),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "tally of contacts",
                "verbose_name_plural": "tallies of contacts",
            },
        ),
        migrations.CreateModel(
            name="DailyFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("name", models.CharField(max_length=60, verbose_name="figure")),
                ("value", models.BigIntegerField(verbose_name="number")),
                ("taken_at", models.DateTimeField(verbose_name="counted")),
                ("is_reckoned", models.BooleanField(default=False, verbose_name="reckoned afterwards")),
            ],
            options={
                "verbose_name": "figure of a day",
                "verbose_name_plural": "figures of days",
                "constraints": [models.UniqueConstraint(fields=("day", "name"), name="daily_figure_once")],
            },
        ),
    ]
