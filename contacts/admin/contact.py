"""The contact list and the contact sheet. Every write is one verb of ``contacts.identity``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminForm

from contacts.admin.filters import LIST_FILTERS, STATE_PARAMETER
from contacts.admin.journal import read_history
from contacts.admin.listing import UncountedList
from contacts.admin.panels import list_channels, list_identifiers, list_merges, list_open_cases
from contacts.admin.search import find_contacts, read_query
from contacts.admin.sheet import SheetForm
from contacts.admin.wording import SOURCES, show_channel, word
from contacts.identity import Outcome, Status, delete_contacts, erase_contacts, restore_contacts
from contacts.identity.settings import current_settings
from contacts.models import Contact, ContactState, CustomField
from crm.errors import CardfileError

__all__ = ["ContactAdmin"]

AT_ONCE: Final = 100
"""Contacts that one action changes at most; more than that is a job's work."""
LISTED: Final = (ContactState.ACTIVE, ContactState.DELETED)


@admin.register(Contact)
class ContactAdmin(ModelAdmin):
    """The list reads contacts; the sheet, ``save_model`` and all that deletes call the verbs."""

    list_display = ("name", "email_shown", "phone_shown", "external_id_shown", "source_shown", "changed")
    list_display_links = ("name",)
    list_filter = LIST_FILTERS
    list_filter_submit = True
    list_per_page = 25
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-updated_at", "-pk")
    sortable_by = ("changed",)
    search_fields = ("external_id",)  # shows the box; get_search_results decides what is looked at
    search_help_text = gettext_lazy("Name, email, phone, ID or any token")
    actions = ("delete_selected", "restore_selected")
    warn_unsaved_form = True

    class Media:
        css = {"all": ("contacts/contacts.css",)}

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Merged and erased contacts are no sheets."""
        return super().get_queryset(request).filter(state__in=LISTED)

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        return ("-deleted_at", "-pk") if shows_deleted(request) else self.ordering

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Exact values first, then names; the other filters still hold."""
        if not search_term.strip():
            return queryset, False
        found = find_contacts(read_query(search_term, current_settings().schema.country))
        if found.stopped:
            messages.warning(request, _("The search for names took too long and was stopped. Write more of the name."))
        rank = Case(When(pk__in=found.exact, then=Value(0)), default=Value(1))
        ordered = queryset.order_by(rank, *queryset.query.order_by)
        return ordered.filter(pk__in=(*found.exact, *found.by_name)), False

    @display(description=gettext_lazy("name"))
    def name(self, contact: Contact) -> str | SafeString:
        if contact.state != ContactState.DELETED:
            return str(contact)
        return format_html('{} <span class="cf-tag cf-bad">{}</span>', str(contact), _("deleted"))

    @display(description=gettext_lazy("email"))
    def email_shown(self, contact: Contact) -> str | SafeString:
        return show_channel(contact.email, contact.email_state)

    @display(description=gettext_lazy("phone"))
    def phone_shown(self, contact: Contact) -> str | SafeString:
        return show_channel(contact.phone, contact.phone_state)

    @display(description=gettext_lazy("external ID"))
    def external_id_shown(self, contact: Contact) -> str:
        return contact.external_id or "—"

    @display(description=gettext_lazy("source"))
    def source_shown(self, contact: Contact) -> str:
        return word(SOURCES, contact.source)

    @display(description=gettext_lazy("last change"), ordering="updated_at")
    def changed(self, contact: Contact) -> str:
        return date_format(timezone.localtime(contact.updated_at), "SHORT_DATETIME_FORMAT")

    # Actions over a selection

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected" if shows_deleted(request) else "restore_selected", None)
        return actions

    @admin.action(description=gettext_lazy("Delete"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        contacts = self.read_selection(request, queryset)
        if contacts is None:
            return None
        if request.POST.get("post"):
            self.delete_queryset(request, queryset.filter(pk__in=[contact.pk for contact in contacts]))
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Delete contacts"),
            "opts": self.opts,
            "contacts": contacts,
            "action": "delete_selected",
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "contacts/delete_selected.html", context)

    @admin.action(description=gettext_lazy("Restore"), permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        contacts = self.read_selection(request, queryset)
        if contacts is not None:
            outcomes = restore_contacts([contact.pk for contact in contacts], by=actor_of(request))
            count = count_changed(outcomes)
            text = ngettext("%(count)d contact was restored.", "%(count)d contacts were restored.", count)
            messages.success(request, text % {"count": count})

    def read_selection(self, request: HttpRequest, queryset: QuerySet[Contact]) -> list[Contact] | None:
        """The contacts of a selection, None where it is larger than what is done at once."""
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        contacts = list(queryset.filter(pk__in=selected)[: AT_ONCE + 1]) if len(selected) <= AT_ONCE else None
        if contacts is None:
            messages.error(request, _("Select at most {count} contacts at once.").format(count=AT_ONCE))
        return contacts

    # Deleting: a contact is deleted so that it can be restored

    def get_deleted_objects(
        self, objs: Iterable[Contact], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Only the contacts themselves: what hangs from them stays, and nothing of it is loaded."""
        contacts = list(objs[: AT_ONCE + 1] if isinstance(objs, QuerySet) else objs)
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [str(contact) for contact in contacts], {str(self.opts.verbose_name_plural): len(contacts)}, needed, []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """No transaction around it: the verb opens its own."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request: HttpRequest, obj: Contact) -> None:
        delete_contacts([obj.pk], by=actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[:AT_ONCE])
        count = count_changed(delete_contacts(ids, by=actor_of(request)))
        text = ngettext(
            "%(count)d contact was deleted. It can be restored from the deleted ones.",
            "%(count)d contacts were deleted. They can be restored from the deleted ones.",
            count,
        )
        messages.success(request, text % {"count": count})

    def log_addition(self, *args: Any) -> None:
        """The journal says it; Django's log would keep the names of erased people."""

    log_change = log_deletions = log_addition

    # The sheet

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:contact_id>/restore/", wrap(self.restore_view), name="contacts_contact_restore"),
            path("<int:contact_id>/erase/", wrap(self.erase_view), name="contacts_contact_erase"),
            path("<int:contact_id>/journal/", wrap(self.journal_view), name="contacts_contact_journal"),
            *super().get_urls(),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the sheet, or save it. No transaction around it: the verb opens its own."""
        definitions = list(CustomField.objects.all())
        if object_id is None:
            self.check_permission(self.has_add_permission(request))
            form = SheetForm(definitions, data=request.POST or None)
            return self.save_and_go_on(request, form) or self.show_sheet(request, form, form_url)

        history = self.read_journal(object_id, definitions)
        contact = self.find_contact(object_id)
        if contact is None or contact.state not in LISTED:
            return self.explain_absence(request, object_id, contact)
        may_change = self.has_change_permission(request, contact)
        self.check_permission(may_change or (request.method != "POST" and self.has_view_permission(request, contact)))
        form = SheetForm(
            definitions,
            contact=contact,
            last_change=history[0][0].id if history[0] else 0,
            data=request.POST or None,
            read_only=not may_change or contact.state == ContactState.DELETED,
        )
        return self.save_and_go_on(request, form) or self.show_sheet(request, form, form_url, history)

    def save_and_go_on(self, request: HttpRequest, form: SheetForm) -> HttpResponse | None:
        """Save what was posted and say where to go on; None where the sheet is to be shown (again)."""
        if request.method != "POST":
            return None
        if form.contact is not None and form.contact.state == ContactState.DELETED:
            messages.warning(request, _("This contact is deleted, so nothing was saved. Restore it first."))
            return redirect(request.get_full_path())
        if form.is_valid():
            try:
                self.save_model(request, form.contact or Contact(), form, form.contact is not None)
            except CardfileError as error:
                form.show_refusal(error)
            else:
                return self.go_on(request, form)
        form.rebase()
        return None

    def save_model(self, request: HttpRequest, obj: Contact, form: SheetForm, change: bool) -> None:
        """The verb writes; the outcome says what came of it."""
        outcome = form.save(by=actor_of(request))
        obj.pk = outcome.contact_id
        say_outcome(request, outcome, change=change)
        if others := form.say_what_others_did():
            messages.info(request, others)

    def go_on(self, request: HttpRequest, form: SheetForm) -> HttpResponse:
        """Where the button that was pressed leads."""
        if "_addanother" in request.POST:
            return redirect("admin:contacts_contact_add")
        if "_continue" in request.POST:
            return redirect("admin:contacts_contact_change", form.saved.contact_id if form.saved else 0)
        return self.response_post_save_change(request, form.contact)

    def show_sheet(
        self, request: HttpRequest, form: SheetForm, form_url: str, history: tuple[list[Any], int | None] = ([], None)
    ) -> HttpResponse:
        contact = form.contact
        custom = AdminForm(form, form.list_custom_sections(), {}, model_admin=self)
        context = {
            **self.admin_site.each_context(request),
            "title": str(contact) if contact else _("Add contact"),
            "subtitle": None,
            "adminform": AdminForm(form, form.list_sections(), {}, model_admin=self),
            "custom_sections": list(custom) if form.definitions else [],
            "custom_errors": sum(1 for key in form.errors if key.startswith("fields.")),
            "general_errors": sum(1 for key in form.errors if not key.startswith("fields.")),
            "object_id": str(contact.pk) if contact else None,
            "original": contact,
            "is_popup": False,
            "to_field": None,
            "media": self.media + form.media,
            "inline_admin_formsets": [],
            "errors": form.errors,
            "preserved_filters": self.get_preserved_filters(request),
            "is_deleted": contact is not None and contact.state == ContactState.DELETED,
            "news": form.say_what_others_did(),
            "show_history": False,
            "show_delete": False,  # it stands in the danger zone
        }
        if contact is not None:
            context |= self.read_panels(contact) | {"entries": history[0], "older": history[1]}
        if context["is_deleted"]:
            context |= {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return self.render_change_form(
            request, context, add=contact is None, change=contact is not None, form_url=form_url, obj=contact
        )

    def read_panels(self, contact: Contact) -> dict[str, Any]:
        identifiers, more = list_identifiers(contact)
        return {
            "channels": list_channels(contact),
            "identifiers": identifiers,
            "more_identifiers": more,
            "merges": list_merges(contact),
            "cases": list_open_cases(contact),
            "source": word(SOURCES, contact.source),
        }

    def read_journal(
        self, object_id: str, definitions: Iterable[CustomField], before: int | None = None
    ) -> tuple[list[Any], int | None]:
        if not object_id.isdecimal():
            return [], None
        labels = {f"fields.{definition.key}": definition.label for definition in definitions}
        return read_history(int(object_id), labels=labels, before=before)

    def journal_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """Older changes, for the history to grow by."""
        self.check_permission(self.has_view_or_change_permission(request))
        before = request.GET.get("before", "")
        entries, older = self.read_journal(
            str(contact_id), CustomField.objects.all(), int(before) if before.isdecimal() and len(before) < 19 else None
        )
        context = {"entries": entries, "older": older, "contact_id": contact_id}
        return TemplateResponse(request, "contacts/history_rows.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The journal is on the sheet."""
        return redirect(reverse("admin:contacts_contact_change", args=[object_id]) + "#history")

    # Who is not there

    def find_contact(self, object_id: str) -> Contact | None:
        number = int(object_id) if object_id.isascii() and object_id.isdecimal() and len(object_id) < 19 else 0
        return Contact.objects.filter(pk=number).first()

    def explain_absence(self, request: HttpRequest, object_id: str, contact: Contact | None) -> HttpResponse:
        """A merged contact is found at its survivor; one that is unknown or erased is said to be so."""
        self.check_permission(self.has_view_or_change_permission(request))
        if contact is not None and contact.state == ContactState.MERGED:
            text = _("Contact {number} was merged into this one.").format(number=contact.pk)
            if request.method == "POST":
                text += " " + _("What you wrote was not saved; write it here.")
            messages.info(request, text)
            return redirect("admin:contacts_contact_change", contact.merged_into_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("No such contact"),
            "opts": self.opts,
            "number": object_id,
            "was_erased": contact is not None,
        }
        return TemplateResponse(request, "contacts/not_found.html", context, status=404)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        return self.explain_absence(request, object_id, self.find_contact(object_id))

    # Restore and erase

    def restore_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_permission(request.method == "POST" and self.has_change_permission(request))
        [outcome] = restore_contacts([contact_id], by=actor_of(request))
        if outcome.status == Status.FAILED:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        messages.success(request, _("The contact was restored."))
        return redirect("admin:contacts_contact_change", outcome.contact_id)

    def erase_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """Erasing cannot be undone, so the number is asked for."""
        self.check_permission(self.has_delete_permission(request))
        contact = self.find_contact(str(contact_id))
        if contact is None or contact.state not in LISTED:
            return self.explain_absence(request, str(contact_id), contact)
        typed = request.POST.get("number", "").strip()
        if request.method == "POST" and typed == str(contact_id):
            erase_contacts([contact_id], by=actor_of(request))
            messages.success(request, _("Everything about contact {number} was erased.").format(number=contact_id))
            return redirect("admin:contacts_contact_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Erase a contact"),
            "opts": self.opts,
            "contact": contact,
            "original": contact,
            "mistyped": request.method == "POST",
        }
        return TemplateResponse(request, "contacts/erase.html", context)

    def check_permission(self, allowed: bool) -> None:
        if not allowed:
            refuse()


def refuse() -> NoReturn:
    raise PermissionDenied


def actor_of(request: HttpRequest) -> str:
    """Who writes, as the journal names them."""
    return f"user:{request.user.pk}"


def shows_deleted(request: HttpRequest) -> bool:
    return request.GET.get(STATE_PARAMETER) == "deleted"


def count_changed(outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.status == Status.UPDATED for outcome in outcomes)


def say_outcome(request: HttpRequest, outcome: Outcome, *, change: bool) -> None:
    """What came of saving, as messages."""
    if outcome.status == Status.UNCHANGED:
        messages.info(request, _("Nothing was changed, so nothing was saved."))
    else:
        messages.success(request, _("The contact was saved.") if change else _("The contact was added."))
    for warning in outcome.warnings:
        messages.warning(request, _(warning.message))
