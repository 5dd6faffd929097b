"""``{"op": "in_last_days", "value": 30}`` became ``{"op": "in_last", "value": [30, "days"]}``."""

from django.db import migrations


def rewrite(item):
    """A definition with each such condition in its new form."""
    if isinstance(item, list):
        return [rewrite(child) for child in item]
    if not isinstance(item, dict):
        return item
    if item.get("op") == "in_last_days":
        return {**item, "op": "in_last", "value": [item.get("value"), "days"]}
    return {key: rewrite(value) for key, value in item.items()}


def rewrite_stored(apps, schema_editor):
    segments = apps.get_model("segments", "Segment").objects.using(schema_editor.connection.alias)
    for segment in segments.filter(definition__isnull=False):
        rewritten = rewrite(segment.definition)
        if rewritten != segment.definition:
            segments.filter(pk=segment.pk).update(definition=rewritten)


class Migration(migrations.Migration):
    dependencies = [("segments", "0004_snapshot")]

    operations = [migrations.RunPython(rewrite_stored, migrations.RunPython.noop)]
