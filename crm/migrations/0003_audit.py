from django.db import migrations, models

ACTIONS = [
    ("signed_in", "Signed in"),
    ("sign_in_failed", "Could not sign in"),
    ("locked_out", "Locked out"),
    ("unlocked", "Unlocked"),
    ("signed_out", "Signed out"),
    ("session_ended", "Session ended"),
    ("password_changed", "Password changed"),
    ("two_factor_on", "Two-factor login switched on"),
    ("two_factor_off", "Two-factor login switched off"),
    ("two_factor_reset", "Two-factor login reset"),
    ("recovery_codes_made", "Recovery codes made"),
    ("recovery_code_used", "Recovery code used"),
    ("invited", "Invited"),
    ("role_changed", "Role changed"),
    ("key_made", "API key made"),
    ("key_disabled", "API key disabled"),
    ("key_enabled", "API key enabled again"),
    ("key_used", "API key used"),
    ("exported", "Exported"),
    ("downloaded", "Downloaded"),
    ("added", "Added"),
    ("changed", "Changed"),
    ("deleted", "Deleted"),
    ("started", "Started"),
]

# Nobody changes or deletes what was written down, whatever role or code: the database says no. Retention says aloud
# what it is (crm.audit.forget_old_entries).
GUARD = """
CREATE FUNCTION crm_auditentry_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('cardfile.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log is only ever added to.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER crm_auditentry_is_kept BEFORE UPDATE OR DELETE ON crm_auditentry
    FOR EACH ROW EXECUTE FUNCTION crm_auditentry_is_kept();
"""
UNGUARD = """
DROP TRIGGER crm_auditentry_is_kept ON crm_auditentry;
DROP FUNCTION crm_auditentry_is_kept();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("crm", "0002_throttles_and_answers"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(editable=False, verbose_name="when")),
                ("by", models.CharField(blank=True, editable=False, max_length=100, verbose_name="by")),
                ("who", models.CharField(blank=True, editable=False, max_length=150, verbose_name="who")),
                ("action", models.CharField(choices=ACTIONS, editable=False, max_length=30, verbose_name="what")),
                ("about", models.CharField(blank=True, editable=False, max_length=200, verbose_name="about")),
                ("details", models.JSONField(default=dict, editable=False, verbose_name="details")),
                ("address", models.GenericIPAddressField(editable=False, null=True, verbose_name="address")),
                ("user_agent", models.CharField(blank=True, editable=False, max_length=300, verbose_name="device")),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit log",
                "ordering": ("-pk",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["at"], name="audit_at"),
                    models.Index(fields=["action", "-id"], name="audit_action"),
                    models.Index(fields=["by", "-id"], name="audit_by"),
                    models.Index(fields=["about", "-id"], name="audit_about"),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
