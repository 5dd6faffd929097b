"""Webhooks: who is told of changes, what was sent, and what could not be delivered."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0008_event_key_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('url', models.CharField(max_length=2000, verbose_name='address')),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None, verbose_name='kinds of change')),
                ('columns', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=110), blank=True, default=list, size=None, verbose_name='columns')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('salt', models.CharField(max_length=64)),
                ('old_salt', models.CharField(blank=True, default='', max_length=64)),
                ('salted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('positions', models.JSONField(default=dict)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt')),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('last_delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='last delivery')),
                ('last_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, default='', max_length=300, verbose_name='last error')),
            ],
            options={
                'verbose_name': 'webhook',
                'verbose_name_plural': 'webhooks',
            },
        ),
        migrations.CreateModel(
            name='WebhookDeadLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40)),
                ('number', models.BigIntegerField()),
                ('contact_id', models.BigIntegerField(db_index=True, verbose_name='contact ID')),
                ('kind', models.CharField(max_length=40, verbose_name='what')),
                ('at', models.DateTimeField(verbose_name='changed')),
                ('failed_at', models.DateTimeField(verbose_name='given up')),
                ('attempts', models.PositiveIntegerField(verbose_name='attempts')),
                ('error', models.CharField(max_length=300, verbose_name='error')),
                ('replay_at', models.DateTimeField(blank=True, null=True, verbose_name='to be sent again')),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dead_letters', to='contacts.webhook', verbose_name='webhook')),
            ],
            options={
                'verbose_name': 'undelivered change',
                'verbose_name_plural': 'undelivered changes',
                'constraints': [models.UniqueConstraint(fields=('webhook', 'source', 'number'), name='webhook_dead_letter_once')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='when')),
                ('changes', models.PositiveIntegerField(verbose_name='changes')),
                ('milliseconds', models.PositiveIntegerField(verbose_name='took')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='answer')),
                ('error', models.CharField(blank=True, default='', max_length=300, verbose_name='error')),
                ('is_test', models.BooleanField(default=False)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='contacts.webhook')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(fields=['webhook', '-id'], name='webhook_delivery_newest')],
            },
        ),
    ]
