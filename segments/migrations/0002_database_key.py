"""Memberships are keyed by (contact_id, id) like the rest of the contact's family, ready to be distributed."""

from django.db import migrations

REKEY = """
ALTER TABLE segments_membership DROP CONSTRAINT segments_membership_pkey;
ALTER TABLE segments_membership ADD PRIMARY KEY (contact_id, id);
"""
UNREKEY = """
ALTER TABLE segments_membership DROP CONSTRAINT segments_membership_pkey;
ALTER TABLE segments_membership ADD PRIMARY KEY (id);
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0001_initial")]

    operations = [migrations.RunSQL(REKEY, UNREKEY)]
