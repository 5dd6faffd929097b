"""How often an import was taken up, so that one that kills its worker is given up; its effects found by contact."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0005_import_undo'),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='import',
            name='taken_up_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='import',
            name='taken_up_rows',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='import',
            name='undo_by',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AlterField(
            model_name='importeffect',
            name='kind',
            field=models.CharField(choices=[('joined', 'joined a segment'), ('left', 'left a segment'), ('consent', 'consent')], max_length=10),
        ),
        migrations.AddIndex(
            model_name='importeffect',
            index=models.Index(fields=['contact_id'], name='import_effect_of'),
        ),
    ]
