"""Event types say more, events may be kept once or unmatched, and parameters seen are listed."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

from contacts.activity.parameters import MOST_NAMES, seen_in


LOOKED_AT = 500


def carry_over_choice(apps, schema_editor):
    """Whether an event made a contact becomes one of three answers."""
    apps.get_model("contacts", "EventType").objects.filter(creates_contacts=False).update(when_nobody="refuse")


def bring_choice_back(apps, schema_editor):
    apps.get_model("contacts", "EventType").objects.exclude(when_nobody="create").update(creates_contacts=False)


def list_parameters(apps, schema_editor):
    """What the newest events of each type have: from here on it is noted as they come."""
    types, events = apps.get_model("contacts", "EventType"), apps.get_model("contacts", "Event")
    parameters = apps.get_model("contacts", "EventParameter")
    for type_id in types.objects.order_by("pk").values_list("pk", flat=True):
        first, last = {}, {}
        newest = events.objects.filter(type_id=type_id).order_by("-occurred_at")[:LOOKED_AT]
        for params, at in newest.values_list("params", "occurred_at"):
            for seen in seen_in(params):
                first[seen] = at
                last.setdefault(seen, at)
        names = sorted({name for name, _kind in last})[:MOST_NAMES]
        parameters.objects.bulk_create(
            parameters(type_id=type_id, name=name, kind=kind, first_seen_at=first[name, kind], last_seen_at=at)
            for (name, kind), at in last.items()
            if name in names
        )


def begin_here(apps, schema_editor):
    """Nothing waits yet, so that nothing before this moment matters."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM contacts_change_id_seq")
        [number] = cursor.fetchone()
    apps.get_model("contacts", "JournalPosition").objects.create(reader="unmatched events", number=number)


class Migration(migrations.Migration):

    dependencies = [
        ("contacts", "0020_order_totals"),
    ]

    operations = [
        migrations.CreateModel(
            name='JournalPosition',
            fields=[
                ('reader', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'position in the journal',
                'verbose_name_plural': 'positions in the journal',
            },
        ),
        migrations.AddField(
            model_name='eventtype',
            name='description',
            field=models.CharField(blank=True, default='', help_text='When such an event is sent, and by what. For the people who build segments.', max_length=500, verbose_name='description'),
        ),
        migrations.AddField(
            model_name='eventtype',
            name='has_more_parameters',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='eventtype',
            name='is_for_segments',
            field=models.BooleanField(default=True, help_text='If not, new conditions are not offered it. Segments that use it go on.', verbose_name='may be used in segments'),
        ),
        migrations.AddField(
            model_name='eventtype',
            name='is_once_per_key',
            field=models.BooleanField(default=False, help_text='An event whose key came before with this type is accepted and not stored again.', verbose_name='once per key'),
        ),
        migrations.AddField(
            model_name='eventtype',
            name='when_nobody',
            field=models.CharField(choices=[('create', 'Create a contact'), ('keep', 'Keep the event until the contact comes'), ('refuse', 'Refuse the event')], default='create', help_text='A contact is created only for an external ID, email or phone.', max_length=10, verbose_name='when nobody matches'),
        ),
        migrations.RunPython(carry_over_choice, bring_choice_back),
        migrations.RemoveField(
            model_name='eventtype',
            name='creates_contacts',
        ),
        migrations.CreateModel(
            name='EventReceipt',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('received_at', models.DateTimeField(verbose_name='received')),
            ],
            options={
                'verbose_name': 'receipt of an event',
                'verbose_name_plural': 'receipts of events',
                'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['received_at'], name='event_receipt_received')],
            },
        ),
        migrations.CreateModel(
            name='UnmatchedEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(blank=True, default='', max_length=300, verbose_name='key')),
                ('params', models.JSONField(blank=True, default=dict, verbose_name='parameters')),
                ('source', models.CharField(default='', max_length=20, verbose_name='source')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred')),
                ('received_at', models.DateTimeField(db_index=True, verbose_name='received')),
                ('by', models.CharField(max_length=64, verbose_name='who')),
                ('type', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='contacts.eventtype', verbose_name='type')),
            ],
            options={
                'verbose_name': 'unmatched event',
                'verbose_name_plural': 'unmatched events',
            },
        ),
        migrations.CreateModel(
            name='EventParameter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='parameter')),
                ('kind', models.CharField(max_length=10, verbose_name='kind of value')),
                ('first_seen_at', models.DateTimeField(verbose_name='first seen')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen')),
                ('type', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parameters', to='contacts.eventtype', verbose_name='type')),
            ],
            options={
                'verbose_name': 'parameter of events',
                'verbose_name_plural': 'parameters of events',
                'constraints': [models.UniqueConstraint(fields=('type', 'name', 'kind'), name='event_parameter_once')],
            },
        ),
        migrations.CreateModel(
            name='UnmatchedName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.PositiveSmallIntegerField()),
                ('app', models.CharField(blank=True, default='', max_length=100)),
                ('value', models.TextField(db_collation='C')),
                ('details', models.JSONField(blank=True, null=True)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='contacts.unmatchedevent')),
            ],
            options={
                'verbose_name': 'identifier of an unmatched event',
                'verbose_name_plural': 'identifiers of unmatched events',
                'indexes': [models.Index(fields=['value', 'kind', 'app'], name='unmatched_name_value')],
            },
        ),
        migrations.RunPython(begin_here, migrations.RunPython.noop),
        migrations.RunPython(list_parameters, migrations.RunPython.noop),
    ]
