"""The contact sheet. Every write is one verb of ``contacts.identity``."""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from unfold.forms import AdminForm

from contacts.admin.absence import WITH_SHEET
from contacts.admin.activity import ContactActivity, show_filter
from contacts.admin.cases import list_open_cases
from contacts.admin.channels import ChannelVerbs
from contacts.admin.contact_list import ContactListAdmin
from contacts.admin.identifiers import IdentifierVerbs
from contacts.admin.merging import compare_url
from contacts.admin.panels import read_summary
from contacts.admin.sheet import SHARED, SheetForm
from contacts.admin.sheet_segments import SheetSegments
from contacts.admin.taking_back import HistoryVerbs
from contacts.columns import CUSTOM_PREFIX
from contacts.identity import Outcome, Status, erase_contacts, restore_contacts
from contacts.models import Change, Contact, ContactState, CustomField
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["ContactAdmin"]


@admin.register(Contact)
class ContactAdmin(ChannelVerbs, SheetSegments, ContactActivity, IdentifierVerbs, HistoryVerbs, ContactListAdmin):
    """The sheet and its neighbours; ``save_model`` calls the verb."""

    warn_unsaved_form = False  # the sheet's own script knows what was changed, and what was changed back

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:contact_id>/restore/", wrap(self.restore_view), name="contacts_contact_restore"),
            path("<int:contact_id>/erase/", wrap(self.erase_view), name="contacts_contact_erase"),
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

        last_change = self.find_last_change(object_id)
        contact = self.find_contact(object_id)
        if contact is None or contact.state not in WITH_SHEET:
            return self.explain_absence(request, object_id, contact)
        may_change = self.has_change_permission(request, contact)
        self.check_permission(may_change or (request.method != "POST" and self.has_view_permission(request, contact)))
        form = SheetForm(
            definitions,
            contact=contact,
            last_change=last_change,
            data=request.POST or None,
            read_only=not may_change or contact.state == ContactState.DELETED,
        )
        return self.save_and_go_on(request, form) or self.show_sheet(request, form, form_url)

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
                if form.contact is None or not self.show_shared(form):
                    return self.go_on(request, form)
        form.rebase()
        return None

    def show_shared(self, form: SheetForm) -> bool:
        """Whether the sheet is to be shown again because an address stayed with somebody else."""
        last_change = self.find_last_change(str(form.contact.pk)) if form.contact else 0
        contact = form.contact and self.find_contact(str(form.contact.pk))
        return contact is not None and form.show_shared(contact, last_change)

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

    def show_sheet(self, request: HttpRequest, form: SheetForm, form_url: str) -> HttpResponse:
        contact = form.contact
        is_deleted = contact is not None and contact.state == ContactState.DELETED
        context = {
            **self.admin_site.each_context(request),
            "title": str(contact) if contact else _("Add contact"),
            "subtitle": None,
            "adminform": AdminForm(form, [], {}, model_admin=self),
            "form": form,
            "sections": form.list_sections(),
            "custom_sections": form.list_custom_sections() if form.definitions else [],
            "general_errors": sum(1 for key in form.errors if not key.startswith(CUSTOM_PREFIX)),
            "custom_errors": sum(1 for key in form.errors if key.startswith(CUSTOM_PREFIX)),
            "object_id": str(contact.pk) if contact else None,
            "original": contact,
            "is_popup": False,
            "to_field": None,
            "media": self.media + form.media,
            "inline_admin_formsets": [],
            "errors": form.errors,
            "preserved_filters": self.get_preserved_filters(request),
            "is_deleted": is_deleted,
            "show_history": False,
            "show_delete": False,  # it stands in the sheet's menu
        }
        if contact is not None:
            context |= self.read_panels(request, contact)
        return self.render_change_form(
            request, context, add=contact is None, change=contact is not None, form_url=form_url, obj=contact
        )

    def read_panels(self, request: HttpRequest, contact: Contact) -> dict[str, Any]:
        """What stands on the sheet at once; the other tabs are read when they are opened."""
        return {
            "summary": read_summary(contact, with_segments=request.user.has_perm("segments.view_segment")),
            "cases": list_open_cases(contact),
            "activity": show_filter(),
            "merge_url": compare_url(contact.pk),
        }

    def find_last_change(self, object_id: str) -> int:
        """The newest entry of the journal that whoever opens the sheet now will have seen; 0 where there is none."""
        if self.read_number(object_id) is None:
            return 0
        changes = Change.objects.filter(contact_id=object_id).order_by("-pk")
        return changes.values_list("pk", flat=True).first() or 0

    # Who is not there

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        return self.explain_absence(request, object_id, self.find_contact(object_id))

    # Restore and erase

    def restore_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        self.check_permission(request.method == "POST" and self.has_change_permission(request))
        if self.find_contact(str(contact_id)) is None:
            return self.explain_absence(request, str(contact_id), None)
        [outcome] = restore_contacts([contact_id], by=actor_of(request))
        if outcome.status == Status.FAILED:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        messages.success(request, _("The contact was restored."))
        return redirect("admin:contacts_contact_change", outcome.contact_id)

    def erase_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """Erasing cannot be undone, so the number is asked for."""
        self.check_permission(self.has_delete_permission(request))
        contact = self.find_contact(str(contact_id))
        if contact is None or contact.state not in WITH_SHEET:
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


def say_outcome(request: HttpRequest, outcome: Outcome, *, change: bool) -> None:
    """What came of saving, as messages."""
    if outcome.status == Status.UNCHANGED:
        messages.info(request, _("Nothing was changed, so nothing was saved."))
    else:
        messages.success(request, _("The contact was saved.") if change else _("The contact was added."))
    for warning in outcome.warnings:
        if change and warning.code == SHARED:
            continue  # it is said at its field
        messages.warning(request, _(warning.message))
