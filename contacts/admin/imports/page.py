"""The import's own page: how far it is, what came of it, and what can be done with it now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.actors import name_actors
from contacts.admin.imports.choices import EMPTY_CELLS, MODES, list_keys, say_target
from contacts.admin.imports.doors import (
    PAGES,
    address_of,
    can_be_mapped,
    find_import,
    may_take_file,
    render,
    require,
)
from contacts.admin.imports.mails import say_mails
from contacts.admin.imports.orders import TARGET_LABELS, list_order_choices
from contacts.admin.imports.preview import name_columns
from contacts.admin.imports.progress import UNDER_WAY, progress_context
from contacts.admin.imports.rows import kept_page, rows_page
from contacts.admin.imports.verbs import list_actions
from contacts.admin.imports.words import list_tiles, say_duration, say_number, say_rows, say_size
from contacts.admin.journal import show_moment
from contacts.columns import all_columns
from contacts.imports.plan import Options
from contacts.models import CustomField, Import, ImportContent, ImportStatus
from contacts.populations import current

__all__ = ["UNDOABLE", "Fact", "change_view"]

ENDED: Final = frozenset({ImportStatus.FINISHED, ImportStatus.CANCELLED, ImportStatus.FAILED})
AGAIN: Final = ENDED | {ImportStatus.UNDONE}
UNDOABLE: Final = ENDED | {ImportStatus.PAUSED}

UNDO_COUNTS: Final[dict[str, Any]] = {
    "orders_created": gettext_lazy("new orders removed"),
    "orders_updated": gettext_lazy("orders as they were"),
    "created": gettext_lazy("new contacts removed"),
    "updated": gettext_lazy("contacts as they were"),
    "restored": gettext_lazy("contacts deleted again"),
    "deleted": gettext_lazy("contacts back"),
    "merged": gettext_lazy("merges undone"),
    "groups": gettext_lazy("places in segments undone"),
    "consents": gettext_lazy("consents undone"),
    "kept": gettext_lazy("left as they are"),
}


class Fact(NamedTuple):
    """One thing to know about an import."""

    label: str
    text: str
    link: str = ""
    is_file: bool = False


def change_view(admin: Any, request: HttpRequest, import_id: int) -> HttpResponse:
    """The page, on which nothing is edited; an import that does not run yet is looked after elsewhere."""
    require(admin.has_view_permission(request) and request.method != "POST")
    run = find_import(import_id)
    if run.status in PAGES and admin.has_add_permission(request):
        return redirect(address_of(run))
    context = read_page(run, request) if run.status not in PAGES else read_waiting(run, request)
    return render(admin, request, "import.html", run, "change", **context)


def read_waiting(run: Import, request: HttpRequest) -> dict[str, Any]:
    """For somebody who may only look."""
    return {"facts": list_facts(run, request), "sentence": _("This import has not begun."), "sentence_tone": "cf-news"}


def read_page(run: Import, request: HttpRequest) -> dict[str, Any]:
    is_under_way = run.status in UNDER_WAY
    context: dict[str, Any] = {
        "tiles": list_tiles((run.undo_counts or {}) if run.status == ImportStatus.UNDOING else run.counts),
        "facts": [*list_facts(run, request), *list_results(run, request)],
        "mapping": list_mapping(run),
        "choices": list_choices(run),
        "actions": list_actions(run),
        "map_url": address_of(run, "map") if can_be_mapped(run) else "",
        "again_url": f"{reverse('admin:contacts_import_add')}?like={run.pk}"
        if run.mapping and run.status in AGAIN
        else "",
        "undo_url": address_of(run, "undo") if run.status in UNDOABLE and run.rows_done else "",
        "show_rows": not is_under_way,
        **say_state(run),
        **(progress_context(run) if is_under_way else rows_page(run, request)),
    }
    return context | (kept_page(run, request) if run.status == ImportStatus.UNDONE else {})


def say_state(run: Import) -> dict[str, str]:
    """The sentence on top, and its tone."""
    done = say_rows(run.rows_done)
    match run.status:
        case ImportStatus.FINISHED:
            text = _("The import is done: {rows} in {time}.")
            return _tell("cf-done", text.format(rows=done, time=say_duration(run.run_seconds)))
        case ImportStatus.PAUSED:
            text = _("Paused after {rows}. They stay as they are; the rest waits until you go on.")
            return _tell("", text.format(rows=done))
        case ImportStatus.CANCELLED if run.rows_done:
            text = _("Cancelled after {rows}. They stay; undo the import to take them back.")
            return _tell("", text.format(rows=done))
        case ImportStatus.CANCELLED:
            return _tell("", _("Cancelled before anything was written."))
        case ImportStatus.UNDONE:
            text = _("Taken back: {counts}. Import the file again to have it back.")
            return _tell("cf-news", text.format(counts=say_undone(run)))
        case _:
            return _tell("", "")


def _tell(tone: str, sentence: str) -> dict[str, str]:
    return {"sentence": sentence, "sentence_tone": tone}


def say_undone(run: Import) -> str:
    counts = run.undo_counts or {}
    found = [f"{say_number(counts[name])} {words}" for name, words in UNDO_COUNTS.items() if counts.get(name)]
    return ", ".join(found) or _("nothing")


# What is known of it


def list_facts(run: Import, request: HttpRequest) -> list[Fact]:
    actor = name_actors([run.by])[run.by]
    is_there = run.stored_name and may_take_file(request, run)
    facts = [
        Fact(_("What is in it"), str(run.get_content_display()).capitalize()),
        Fact(_("File"), run.file_name, address_of(run, "file") if is_there else "", is_file=True),
        Fact(_("Size"), say_size(run.size_bytes) if run.size_bytes else "—"),
        Fact(_("Rows"), say_number(run.rows_total if run.rows_total is not None else run.rows_done)),
        Fact(_("Who"), actor.label, actor.link),
        Fact(_("Uploaded"), show_moment(run.created_at)),
    ]
    if run.started_at:
        facts.append(Fact(_("Started"), show_moment(run.started_at)))
    if run.finished_at:
        facts.append(Fact(_("Ended"), show_moment(run.finished_at)))
    if run.run_seconds and run.rows_done:
        speed = _("{count} rows/s").format(count=say_number(run.rows_done / run.run_seconds))
        facts.append(Fact(_("Worked for"), f"{say_duration(run.run_seconds)}, {speed}"))
    return facts


def list_results(run: Import, request: HttpRequest) -> list[Fact]:
    """What it left: the rows to repair, the contacts that it touched."""
    facts = []
    bad = sum(run.counts.get(name, 0) for name in ("failed", "skipped"))
    if bad and run.stored_name and run.status not in UNDER_WAY:
        text = _("{rows} to repair").format(rows=say_rows(bad))
        facts.append(
            Fact(_("Errors"), text, address_of(run, "errors") if may_take_file(request, run) else "", is_file=True)
        )
    if mails := say_mails(run):
        facts.append(Fact(_("Confirmation mails"), mails))
    may_look = request.user.has_perms(["segments.view_segment", "contacts.view_contact"])
    touched = run.rows_done and run.status != ImportStatus.UNDONE and run.content == ImportContent.CONTACTS
    if touched and may_look:
        link = reverse("admin:segments_segment_of_import", args=[run.pk])
        facts.append(Fact(_("Contacts"), _("Those that it touched"), link))
    return facts


def list_mapping(run: Import) -> list[dict[str, str]]:
    labels = name_columns() if run.mapping else {}
    if run.content == ImportContent.ORDERS:
        labels = {key: str(label) for key, label in TARGET_LABELS.items()}
    return [
        {
            "header": entry["header"],
            "target": say_target(entry["target"], labels),
            "overwrites": (_("yes") if entry.get("overwrite", True) else _("no")) if entry["target"] else "—",
        }
        for entry in run.mapping
    ]


def list_choices(run: Import) -> list[Fact]:
    if run.content == ImportContent.ORDERS:
        return [Fact(label, text) for label, text in list_order_choices(run)]
    options = Options.from_json(run.options)
    keys = {key.removeprefix("fields."): label for key, label in list_keys(all_columns(CustomField.objects.all()))}
    modes = {mode: str(label) for mode, label, _help in MODES}
    switches = {
        _("Fill blanks only"): options.fill_blanks_only,
        _("Restore deleted contacts"): options.restore_deleted,
        _("Replace the external ID"): options.replace_external_id,
        _("Send a confirmation"): options.confirm_emails,
    }
    return [
        Fact(_("Rows are matched by"), keys.get(options.key.removeprefix("fields."), options.key)),
        Fact(_("What to do"), modes.get(options.mode.value, options.mode.value)),
        Fact(_("An empty cell"), str(dict(EMPTY_CELLS)["clear" if options.empty_values_clear else ""])),
        *[Fact(label, _("yes")) for label, is_on in switches.items() if is_on],
        *_list_effects(options),
    ]


def _list_effects(options: Options) -> Iterable[Fact]:
    names = dict(current().listed())
    for label, ids in ((_("Added to"), options.add_to_segments), (_("Removed from"), options.remove_from_segments)):
        if ids:
            yield Fact(label, ", ".join(names.get(pk, str(pk)) for pk in ids))
    if options.event_for_new:
        yield Fact(_("Event for new contacts"), options.event_for_new)
    if options.consent and options.consent.get("basis"):
        yield Fact(_("Basis of consent"), options.consent["basis"])
