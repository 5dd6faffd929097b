import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0024_subscription_forms")]

    operations = [
        migrations.CreateModel(
            name="App",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="What people call it.", max_length=100, verbose_name="name")),
                (
                    "app_id",
                    models.CharField(
                        help_text=(
                            "What its push tokens and calls of your server name, such as com.example.shop. It stays as"
                            " it is made."
                        ),
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator("\\A\\S+\\Z", "Write the app ID without spaces.")
                        ],
                        verbose_name="app ID",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
            ],
            options={"verbose_name": "app", "verbose_name_plural": "apps", "ordering": ("name", "pk")},
        ),
        migrations.CreateModel(
            name="SeenApp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("app_id", models.CharField(max_length=100, unique=True, verbose_name="app ID")),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
            ],
            options={"verbose_name": "app seen", "verbose_name_plural": "apps seen"},
        ),
        migrations.CreateModel(
            name="AppKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Which build has it, such as Android 3.2.", max_length=100, verbose_name="name"
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=20, unique=True, verbose_name="starts with")),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
                ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="disabled")),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used")),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="keys",
                        to="contacts.app",
                        verbose_name="app",
                    ),
                ),
            ],
            options={
                "verbose_name": "app key",
                "verbose_name_plural": "app keys",
                "ordering": ("-created_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="SeenDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contact_id", models.BigIntegerField(verbose_name="contact ID")),
                ("seen_at", models.DateTimeField(verbose_name="seen")),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seen",
                        to="contacts.app",
                        verbose_name="app",
                    ),
                ),
            ],
            options={
                "verbose_name": "device seen",
                "verbose_name_plural": "devices seen",
                "indexes": [models.Index(fields=["app", "-seen_at"], name="seen_device_latest")],
                "constraints": [models.UniqueConstraint(fields=("app", "contact_id"), name="seen_device_once")],
            },
        ),
    ]
