"""Websites whose pages tell of their visitors."""

import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models

import contacts.models.site


class Migration(migrations.Migration):
    dependencies = [("contacts", "0021_event_types")]

    operations = [
        migrations.CreateModel(
            name="Site",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("key", models.CharField(default=contacts.models.site.make_site_key, editable=False, max_length=40, unique=True, verbose_name="site key")),
                ("origins", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=300), size=None, verbose_name="addresses")),
                ("is_active", models.BooleanField(default=True, help_text="If not, its pages send nothing, and nothing is taken from them.", verbose_name="active")),
                ("needs_consent", models.BooleanField(default=False, help_text="Nothing is sent, and no cookie is set, before the page says that the visitor agreed.", verbose_name="consent comes first")),
                ("honours_signals", models.BooleanField(default=True, help_text="Of a visitor whose browser asks not to be tracked, nothing is sent and nothing is stored.", verbose_name="honour Do Not Track and Global Privacy Control")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created")),
                ("last_event_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last event")),
                ("last_origin", models.CharField(blank=True, default="", editable=False, max_length=300)),
                ("latest", models.JSONField(default=list, editable=False)),
            ],
            options={"verbose_name": "website", "verbose_name_plural": "websites"},
        ),
    ]
