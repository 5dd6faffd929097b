"""Imports as a wizard has them: described, mapped, previewed, paused, taken back."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0003_event_partitions'),
    ]

    operations = [
        migrations.AddField(
            model_name='import',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='uploaded'),
        ),
        migrations.AddField(
            model_name='import',
            name='delimiter',
            field=models.CharField(blank=True, default=',', max_length=1, verbose_name='delimiter'),
        ),
        migrations.AddField(
            model_name='import',
            name='encoding',
            field=models.CharField(default='utf-8', max_length=20, verbose_name='encoding'),
        ),
        migrations.AddField(
            model_name='import',
            name='has_header',
            field=models.BooleanField(default=True, verbose_name='the first line is a header'),
        ),
        migrations.AddField(
            model_name='import',
            name='headers',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='import',
            name='kind',
            field=models.CharField(default='csv', max_length=10, verbose_name='kind of file'),
        ),
        migrations.AddField(
            model_name='import',
            name='mapping',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='import',
            name='preview_counts',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='import',
            name='preview_rows_done',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='import',
            name='rows_total',
            field=models.BigIntegerField(blank=True, null=True, verbose_name='rows'),
        ),
        migrations.AddField(
            model_name='import',
            name='run_seconds',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='import',
            name='samples',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='import',
            name='sheet',
            field=models.CharField(blank=True, default='', max_length=255, verbose_name='sheet'),
        ),
        migrations.AddField(
            model_name='import',
            name='size_bytes',
            field=models.BigIntegerField(default=0, verbose_name='size'),
        ),
        migrations.AddField(
            model_name='import',
            name='stored_name',
            field=models.CharField(blank=True, default='', max_length=255),
        ),
        migrations.AddField(
            model_name='import',
            name='undo_counts',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='import',
            name='undo_done',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='import',
            name='undo_total',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='import',
            name='wish',
            field=models.CharField(blank=True, choices=[('pause', 'pause'), ('cancel', 'cancel')], default='', max_length=10),
        ),
        migrations.AlterField(
            model_name='import',
            name='file_digest',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AlterField(
            model_name='import',
            name='started_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='started'),
        ),
        migrations.AlterField(
            model_name='import',
            name='status',
            field=models.CharField(choices=[('uploaded', 'uploaded'), ('previewing', 'being previewed'), ('previewed', 'previewed'), ('queued', 'waiting'), ('running', 'running'), ('paused', 'paused'), ('cancelled', 'cancelled'), ('finished', 'finished'), ('failed', 'failed'), ('undoing', 'being taken back'), ('undone', 'taken back')], default='uploaded', max_length=10, verbose_name='status'),
        ),
        migrations.CreateModel(
            name='ImportEffect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('contact_id', models.BigIntegerField(verbose_name='contact ID')),
                ('kind', models.CharField(choices=[('joined', 'joined a segment'), ('left', 'left a segment'), ('consent', 'consent'), ('event', 'event')], max_length=10)),
                ('population', models.BigIntegerField(blank=True, null=True)),
                ('category', models.CharField(blank=True, default='', max_length=50)),
                ('before', models.JSONField(blank=True, null=True)),
                ('after', models.JSONField(blank=True, null=True)),
                ('import_run', models.ForeignKey(db_column='import_id', db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='effects', to='contacts.import')),
            ],
            options={
                'indexes': [models.Index(fields=['import_run', 'contact_id'], name='import_effect_contact')],
            },
        ),
        migrations.CreateModel(
            name='ImportFix',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row', models.BigIntegerField(verbose_name='row')),
                ('column', models.IntegerField(verbose_name='column')),
                ('value', models.TextField(blank=True, verbose_name='value')),
                ('import_run', models.ForeignKey(db_column='import_id', db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='fixes', to='contacts.import')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('import_run', 'row', 'column'), name='import_fix_once')],
            },
        ),
        migrations.CreateModel(
            name='PreviewRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row', models.BigIntegerField(verbose_name='row')),
                ('status', models.CharField(max_length=10, verbose_name='status')),
                ('contact_id', models.BigIntegerField(blank=True, null=True)),
                ('matched_by', models.CharField(blank=True, default='', max_length=120)),
                ('rule', models.CharField(blank=True, default='', max_length=10)),
                ('changes', models.JSONField(default=dict)),
                ('problems', models.JSONField(default=list)),
                ('import_run', models.ForeignKey(db_column='import_id', db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='preview_rows', to='contacts.import')),
            ],
            options={
                'indexes': [models.Index(fields=['import_run', 'row'], name='preview_row_row'), models.Index(fields=['import_run', 'status', 'row'], name='preview_row_status')],
            },
        ),
        migrations.CreateModel(
            name='UndoKept',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('contact_id', models.BigIntegerField(verbose_name='contact ID')),
                ('columns', models.JSONField(default=list)),
                ('reason', models.CharField(max_length=200)),
                ('import_run', models.ForeignKey(db_column='import_id', db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='kept', to='contacts.import')),
            ],
            options={
                'indexes': [models.Index(fields=['import_run', 'contact_id'], name='undo_kept_contact')],
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE contacts_previewrow SET UNLOGGED", "ALTER TABLE contacts_previewrow SET LOGGED"
        ),
    ]
