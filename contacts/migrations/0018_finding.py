"""How lists are found at any size: an index over what many contacts have in common, and one over the words of names.

The expressions are those of ``contacts.finding.facets`` and ``contacts.finding.names``, word for word: an index is used
for nothing else. Django's state cannot say them. What they cost stands in docs/decisions/0021.
"""

from django.db import migrations

FACETS = (
    "CREATE INDEX contact_facets ON contacts_contact (source, (state + coalesce(email_state, 0) * 8"
    " + coalesce(phone_state, 0) * 64 + CASE WHEN external_id IS NULL THEN 0 ELSE 512 END"
    " + CASE WHEN email IS NULL THEN 0 ELSE 1024 END + CASE WHEN phone IS NULL THEN 0 ELSE 2048 END"
    " + (identifier_kinds & 896) * 32), updated_at, id)"
)
NAMES = (
    "CREATE INDEX contact_names ON contacts_contact USING gin ((array_to_tsvector(array_remove(string_to_array("
    "translate(regexp_replace(normalize(lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), NFD),"
    " '[\u0300-\u0331''’ʼ`‘]', '', 'g'), 'łøđ-', 'lod '), ' '), ''))))"
)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0017_duplicate_inbox")]

    operations = [
        migrations.RunSQL(FACETS, "DROP INDEX contact_facets"),
        migrations.RunSQL(NAMES, "DROP INDEX contact_names"),
    ]
