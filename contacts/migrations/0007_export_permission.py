from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_import_attempts")]

    operations = [
        migrations.AlterModelOptions(
            name="contact",
            options={
                "permissions": [("export_contact", "Can export contacts")],
                "verbose_name": "contact",
                "verbose_name_plural": "contacts",
            },
        ),
    ]
