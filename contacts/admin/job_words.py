"""What the jobs of contacts are called on the page of background work, and what each is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Clearing, ContactAction, ContactExport, ExportRun, FieldWork, Import, Webhook
from crm.admin.job_words import About, JobWords, register

__all__: list[str] = []


def find_imports(ids: Collection[int]) -> Mapping[int, About]:
    rows = Import.objects.filter(pk__in=ids).values_list("pk", "file_name", "by")
    return {pk: About(name, reverse("admin:contacts_import_change", args=[pk]), by) for pk, name, by in rows}


def find_exports(ids: Collection[int]) -> Mapping[int, About]:
    rows = ContactExport.objects.filter(pk__in=ids).values_list("pk", "format", "by")
    address = "admin:contacts_contactexport_change"
    return {
        pk: About(_("a {format} file").format(format=name), reverse(address, args=[pk]), by) for pk, name, by in rows
    }


def find_export_runs(ids: Collection[int]) -> Mapping[int, About]:
    rows = ExportRun.objects.filter(pk__in=ids).values_list("pk", "target_id", "target__name", "by")
    return {pk: About(name, link_to("contacts_exporttarget_change", target_id), by) for pk, target_id, name, by in rows}


def find_actions(ids: Collection[int]) -> Mapping[int, About]:
    rows = ContactAction.objects.filter(pk__in=ids).only("verb", "by")
    return {
        row.pk: About(row.get_verb_display(), link_to("contacts_contactaction_change", row.pk), row.by) for row in rows
    }


def find_field_works(ids: Collection[int]) -> Mapping[int, About]:
    rows = FieldWork.objects.filter(pk__in=ids).values_list("pk", "label", "by")
    return {pk: About(label, link_to("contacts_customfield_changelist"), by) for pk, label, by in rows}


def find_clearings(ids: Collection[int]) -> Mapping[int, About]:
    link = link_to("contacts_duplicatecase_changelist")
    rows = Clearing.objects.filter(pk__in=ids).values_list("pk", "by")
    return {pk: About(_("duplicates"), link, by) for pk, by in rows}


def link_to(address: str, *args: int) -> str:
    """'' where there is no such page."""
    try:
        return reverse(f"admin:{address}", args=args)
    except NoReverseMatch:
        return ""


def find_webhooks(ids: Collection[int]) -> Mapping[int, About]:
    rows = Webhook.objects.filter(pk__in=ids).values_list("pk", "name")
    return {pk: About(name, reverse("admin:contacts_webhook_change", args=[pk])) for pk, name in rows}


register(
    {
        "contacts.imports.preview": JobWords(gettext_lazy("Previewing an import"), "import_id", find_imports),
        "contacts.imports.fetch": JobWords(gettext_lazy("Fetching a file to import"), "import_id", find_imports),
        "contacts.imports.run": JobWords(gettext_lazy("Importing a file"), "import_id", find_imports),
        "contacts.imports.undo": JobWords(gettext_lazy("Taking back an import"), "import_id", find_imports),
        "contacts.imports.take_up_left": JobWords(gettext_lazy("Looking for imports that can go on")),
        "contacts.imports.jobs.forget_old_files": JobWords(gettext_lazy("Forgetting old files of imports")),
        "contacts.exports.write": JobWords(gettext_lazy("Writing an export"), "export_id", find_exports),
        "contacts.exports.jobs.forget_files": JobWords(gettext_lazy("Forgetting old files of exports")),
        "contacts.exports.warehouse.run": JobWords(
            gettext_lazy("Bringing a warehouse up to date"), "run_id", find_export_runs
        ),
        "contacts.exports.warehouse.take_up_left": JobWords(
            gettext_lazy("Looking for warehouses that are due or can go on")
        ),
        "contacts.exports.warehouse.jobs.forget_told": JobWords(
            gettext_lazy("Forgetting what every warehouse was told")
        ),
        "contacts.exports.warehouse.jobs.forget_runs": JobWords(gettext_lazy("Forgetting old runs of warehouses")),
        "contacts.bulk.work_off": JobWords(gettext_lazy("Taking in contacts that another system sent")),
        "contacts.bulk.jobs.take_up_calls": JobWords(gettext_lazy("Looking for bulk calls that can go on")),
        "contacts.bulk.jobs.forget_calls": JobWords(gettext_lazy("Forgetting old bulk calls")),
        "contacts.actions.work": JobWords(gettext_lazy("A bulk action"), "action_id", find_actions),
        "contacts.actions.take_up_left": JobWords(gettext_lazy("Looking for bulk actions that can go on")),
        "contacts.actions.jobs.forget_actions": JobWords(gettext_lazy("Forgetting whom old bulk actions meant")),
        "contacts.identity.clear_cases": JobWords(
            gettext_lazy("Merging clear duplicates"), "clearing_id", find_clearings
        ),
        "contacts.identity.take_back_clearing": JobWords(
            gettext_lazy("Taking back the merges of clear duplicates"), "clearing_id", find_clearings
        ),
        "contacts.identity.jobs.look_for_namesakes_job": JobWords(gettext_lazy("Looking for duplicates by name")),
        "contacts.fields.work": JobWords(gettext_lazy("Changing a custom field"), "work_id", find_field_works),
        "contacts.fields.jobs.take_up_left": JobWords(gettext_lazy("Looking for changes of fields that can go on")),
        "contacts.subscribing.send_confirmation": JobWords(gettext_lazy("Sending a confirmation mail")),
        "contacts.subscribing.jobs.send_confirmations": JobWords(
            gettext_lazy("Sending the confirmation mails of imports")
        ),
        "contacts.subscribing.jobs.forget_confirmations": JobWords(
            gettext_lazy("Forgetting confirmation mails of long ago")
        ),
        "contacts.webhooks.deliver": JobWords(gettext_lazy("Telling a webhook"), "webhook_id", find_webhooks),
        "contacts.webhooks.look_for_waiting": JobWords(gettext_lazy("Looking for webhooks that have to be told")),
        "contacts.statistics.refresh": JobWords(gettext_lazy("Counting contacts for the dashboard")),
        "contacts.statistics.jobs.refresh_by_clock": JobWords(gettext_lazy("Counting contacts for the dashboard")),
        "contacts.statistics.jobs.count_all_anew": JobWords(gettext_lazy("Counting all contacts anew")),
        "contacts.jobs.make_event_partitions": JobWords(gettext_lazy("Making room for the events of coming months")),
        "contacts.activity.jobs.join_waiting_events": JobWords(
            gettext_lazy("Recording events whose contact came meanwhile")
        ),
        "contacts.jobs.apply_retention_by_night": JobWords(gettext_lazy("Removing what is kept no longer")),
    }
)
