"""Rows that are seen over and over find room on their page, so that no index is written for it (HOT)."""

from django.db import migrations


def leave_room(table: str, percent: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET (fillfactor = {percent})", f"ALTER TABLE {table} RESET (fillfactor)"
    )


class Migration(migrations.Migration):
    dependencies = [("contacts", "0027_warehouse")]

    operations = [leave_room("contacts_identifier", 90), leave_room("contacts_contact", 95)]
