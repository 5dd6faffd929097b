"""What of contacts waits for somebody: cases to be decided, and what failed lately, with what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.identity.duplicates import waiting_cases
from contacts.models import (
    ActionStatus,
    ContactAction,
    ContactExport,
    EventWithoutMonth,
    ExportStatus,
    ExportTarget,
    FieldWork,
    Import,
    ImportStatus,
    RetentionRun,
    Webhook,
    WebhookDeadLetter,
    WorkStatus,
)
from crm.admin.dashboard import may
from crm.admin.waiting import Waiting, register

__all__: list[str] = []

LATELY: Final = timedelta(days=1)


def find_failed_imports() -> QuerySet[Any]:
    failed = Import.objects.filter(status=ImportStatus.FAILED)
    since = datetime.now(UTC) - LATELY
    found: QuerySet[Any] = failed.filter(Q(finished_at__gte=since) | Q(finished_at=None, created_at__gte=since))
    return found


def find_failed(model: type[Model], status: str) -> QuerySet[Any]:
    """Those of the last day that have this status."""
    found: QuerySet[Any] = model._default_manager.filter(status=status, created_at__gte=datetime.now(UTC) - LATELY)
    return found


def find_failing_webhooks() -> QuerySet[Any]:
    found: QuerySet[Any] = Webhook.objects.filter(is_active=True, failures__gt=0)
    return found


def find_failed_warehouses() -> QuerySet[Any]:
    """Those whose last run failed."""
    found: QuerySet[Any] = ExportTarget.objects.filter(is_active=True, failed_at__isnull=False)
    return found


def find_undelivered() -> QuerySet[Any]:
    found: QuerySet[Any] = WebhookDeadLetter.objects.filter(replay_at=None)
    return found


def find_broken_runs() -> QuerySet[Any]:
    found: QuerySet[Any] = RetentionRun.objects.filter(started_at__gte=datetime.now(UTC) - LATELY).exclude(error="")
    return found


def list_of(model: str, query: str = "") -> str:
    """Where they are listed."""
    return reverse(f"admin:contacts_{model}_changelist") + (f"?{query}" if query else "")


WAITING: Final = (
    Waiting(
        "duplicates",
        waiting_cases,
        ngettext_lazy("%(count)s case of duplicates", "%(count)s cases of duplicates", "number"),
        gettext_lazy("Merge those that are one person, and say which are not."),
        lambda: list_of("duplicatecase"),
        may("contacts.view_duplicatecase", "contacts.change_duplicatecase"),
        entry="contacts_duplicatecase_changelist",
        is_trouble=False,
    ),
    Waiting(
        "failed_imports",
        find_failed_imports,
        ngettext_lazy("%(count)s import failed since yesterday", "%(count)s imports failed since yesterday", "number"),
        gettext_lazy("Its page says why; what was done until then stays, and it can go on from there."),
        lambda: list_of("import", "status=error"),
        may("contacts.view_import", "contacts.add_import"),
        entry="contacts_import_changelist",
    ),
    Waiting(
        "failed_exports",
        partial(find_failed, ContactExport, ExportStatus.FAILED),
        ngettext_lazy("%(count)s export failed since yesterday", "%(count)s exports failed since yesterday", "number"),
        gettext_lazy("The list says why. Export again once that is mended."),
        lambda: list_of("contactexport", "status=error"),
        may("contacts.export_contact"),
        entry="contacts_contactexport_changelist",
    ),
    Waiting(
        "failed_warehouses",
        find_failed_warehouses,
        ngettext_lazy("%(count)s warehouse is not up to date", "%(count)s warehouses are not up to date", "number"),
        gettext_lazy("Its last run failed. Its page says why, and what to do about it."),
        lambda: list_of("exporttarget"),
        may("contacts.view_exporttarget", "contacts.change_exporttarget"),
        entry="contacts_exporttarget_changelist",
    ),
    Waiting(
        "failed_actions",
        partial(find_failed, ContactAction, ActionStatus.FAILED),
        ngettext_lazy(
            "%(count)s bulk action failed since yesterday", "%(count)s bulk actions failed since yesterday", "number"
        ),
        gettext_lazy("Its page says why. What was done until then can be taken back there."),
        lambda: list_of("contactaction"),
        may("contacts.view_contactaction", "contacts.change_contactaction"),
        entry="contacts_contactaction_changelist",
    ),
    Waiting(
        "failed_field_works",
        partial(find_failed, FieldWork, WorkStatus.FAILED),
        ngettext_lazy(
            "%(count)s change of a custom field failed since yesterday",
            "%(count)s changes of custom fields failed since yesterday",
            "number",
        ),
        gettext_lazy("The page of the field says why."),
        lambda: list_of("customfield"),
        may("contacts.change_customfield"),
        entry="contacts_customfield_changelist",
    ),
    Waiting(
        "failing_webhooks",
        find_failing_webhooks,
        ngettext_lazy("%(count)s webhook is not reached", "%(count)s webhooks are not reached", "number"),
        gettext_lazy("Its page says what the target answered. It is tried again by itself, less and less often."),
        lambda: list_of("webhook"),
        may("contacts.view_webhook", "contacts.change_webhook"),
        entry="contacts_webhook_changelist",
    ),
    Waiting(
        "undelivered",
        find_undelivered,
        ngettext_lazy("%(count)s change was not delivered", "%(count)s changes were not delivered", "number"),
        gettext_lazy("Their webhooks gave up. Send them again once the target works, or forget them."),
        lambda: list_of("webhookdeadletter"),
        may("contacts.view_webhookdeadletter", "contacts.change_webhook"),
    ),
    Waiting(
        "broken_retention",
        find_broken_runs,
        ngettext_lazy(
            "%(count)s run of the retention broke off", "%(count)s runs of the retention broke off", "number"
        ),
        gettext_lazy("Its report says why, and what went until then. The next night goes on with the rest."),
        lambda: reverse("admin:contacts_retention"),
        may("contacts.view_policy"),
    ),
    Waiting(
        "events_without_month",
        EventWithoutMonth.objects.all,
        ngettext_lazy(
            "%(count)s event lies outside the months that have a table",
            "%(count)s events lie outside the months that have a table",
            "number",
        ),
        gettext_lazy("Look whether their dates are right: whoever sends them may have a wrong clock."),
        lambda: reverse("admin:contacts_retention"),
        may("contacts.view_policy"),
    ),
)

for waiting in WAITING:
    register(waiting)
