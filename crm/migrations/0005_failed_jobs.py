"""Jobs that failed are few among those that are kept: the page of background work finds them by this index."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("crm", "0004_login"), ("procrastinate", "0041_post_retry_failed_job")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX crm_jobs_ended_badly ON procrastinate_jobs (id)"
            " WHERE status IN ('failed', 'cancelled', 'aborted')",
            "DROP INDEX crm_jobs_ended_badly",
        ),
    ]
