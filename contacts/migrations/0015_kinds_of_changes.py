"""Two more kinds of changes: an identifier was detached, a change was taken back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0014_bulk_actions")]

    operations = [
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[
                    ("created", "created"),
                    ("updated", "updated"),
                    ("deleted", "deleted"),
                    ("restored", "restored"),
                    ("merged", "merged"),
                    ("unmerged", "unmerged"),
                    ("migrated", "identifier migrated"),
                    ("erased", "erased"),
                    ("undone", "import taken back"),
                    ("detached", "identifier detached"),
                    ("taken_back", "change taken back"),
                ],
                max_length=12,
                verbose_name="what",
            ),
        ),
    ]
