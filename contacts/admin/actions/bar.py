"""What can be chosen on the list for the rows that are ticked, or for all that the list shows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from contacts.admin.actions.choosing import read_ids, write_chosen
from contacts.admin.actions.confirm import act_view, may_act
from contacts.models import ActionVerb, Contact
from contacts.selections import Selection

__all__ = ["ContactActions"]


class ContactActions(ModelAdmin):
    """Each action leads to the page that confirms it, and carries the selection there."""

    offers_whole = True
    """Whether the list offers to choose everybody whom it shows, on all its pages."""
    actions: Any = (
        "export_selected",
        "join_segment",
        "leave_segment",
        "edit_field",
        "unsubscribe",
        "compare_selected",
        "delete_selected",
        "restore_selected",
    )

    def get_urls(self) -> list[URLPattern]:
        act = path("act/<slug:verb>/", self.admin_site.admin_view(self.act_view), name="contacts_contact_act")
        return [act, *super().get_urls()]

    def act_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        return act_view(self, request, verb)

    def read_selection(self, request: HttpRequest) -> Selection:
        """The rows that were ticked, or the list itself."""
        if request.POST.get("select_across") == "1":
            return self.read_list_selection(request)
        return Selection(ids=tuple(read_ids(request.POST.getlist(ACTION_CHECKBOX_NAME))))

    def read_list_selection(self, request: HttpRequest) -> Selection:
        """Whom the list shows under this address."""
        return Selection.from_query(request.GET)

    def lead_to(self, request: HttpRequest, verb: ActionVerb) -> HttpResponse:
        carried = write_chosen(self.read_selection(request), back=request.get_full_path())
        return redirect(f"{reverse('admin:contacts_contact_act', args=[verb])}?{carried}")

    # Who may

    def has_regroup_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return may_act(request.user, ActionVerb.JOIN)

    # What

    @admin.action(description=gettext_lazy("Put into a segment…"), permissions=["regroup"])
    def join_segment(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.JOIN)

    @admin.action(description=gettext_lazy("Take out of a segment…"), permissions=["regroup"])
    def leave_segment(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.LEAVE)

    @admin.action(description=gettext_lazy("Edit a field…"), permissions=["change"])
    def edit_field(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.EDIT)

    @admin.action(description=gettext_lazy("Unsubscribe…"), permissions=["change"])
    def unsubscribe(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.UNSUBSCRIBE)

    @admin.action(description=gettext_lazy("Delete…"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.DELETE)

    @admin.action(description=gettext_lazy("Restore…"), permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse:
        return self.lead_to(request, ActionVerb.RESTORE)

    @admin.action(description=gettext_lazy("Compare and merge"), permissions=["change"])
    def compare_selected(self, request: HttpRequest, queryset: QuerySet[Contact]) -> HttpResponse | None:
        """Two contacts side by side; of one the other is looked for on that page."""
        ids = sorted(self.read_selection(request).ids or ())
        if len(ids) not in (1, 2):
            messages.error(request, _("Choose one contact or two to compare."))
            return None
        sides = "&".join(f"{side}={pk}" for side, pk in zip(("left", "right"), ids, strict=False))
        return redirect(f"{reverse('admin:contacts_merge_compare')}?{sides}")
