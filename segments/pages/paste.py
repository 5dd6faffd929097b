"""Putting contacts into a static segment by hand: a pasted list of emails, external IDs, phones or contact IDs."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from crm.errors import CardfileError
from segments.pages.page import SegmentPage
from segments.pasting import KINDS, MOST_PASTED, Pasted, paste_members

__all__ = ["PasteView"]

LABELS: Final[dict[str, Any]] = {
    "external_id": gettext_lazy("External IDs"),
    "email": gettext_lazy("Emails"),
    "phone": gettext_lazy("Phones"),
    "id": gettext_lazy("Contact IDs"),
}
UNKNOWN_SHOWN: Final = 50
LONGEST_TEXT: Final = MOST_PASTED * 600


class PasteForm(forms.Form):
    """Which kind of values, and the values."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What are they?"),
        choices=[(kind, LABELS[kind]) for kind in KINDS],
        initial=KINDS[0],
        widget=UnfoldAdminRadioSelectWidget,
    )
    text = forms.CharField(
        label=gettext_lazy("The list"),
        max_length=LONGEST_TEXT,
        help_text=gettext_lazy("One a line, or with commas between them; at most 10,000."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false"}),
    )


class PasteView(SegmentPage):
    """The form, and what came of it."""

    template_name = "segments/paste.html"

    def has_permission(self) -> bool:
        return super().has_permission() and self.model_admin.has_change_permission(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.form = PasteForm(request.POST if request.method == "POST" else None)
        self.pasted: Pasted | None = None
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.title = _("Put contacts into “{segment}”").format(segment=self.segment.name)
        if not self.segment.is_static:
            raise PermissionDenied
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.form.is_valid():
            chosen = self.form.cleaned_data
            try:
                self.pasted = paste_members(self.segment, chosen["text"], chosen["kind"], by=self.by)
            except CardfileError as error:
                self.form.add_error("text" if error.path else None, _(error.message))
        if self.pasted is not None:
            say_joined(request, self.pasted)
            if not self.pasted.unknown:
                return redirect("admin:segments_segment_members", self.segment.pk)
        return self.get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        unknown = self.pasted.unknown if self.pasted else []
        context = {"form": self.form, "unknown": unknown[:UNKNOWN_SHOWN], "more": len(unknown) - UNKNOWN_SHOWN}
        return super().get_context_data(**kwargs) | context


def say_joined(request: HttpRequest, pasted: Pasted) -> None:
    new = ngettext("%(count)d contact was put in.", "%(count)d contacts were put in.", pasted.joined)
    there = ngettext("%(count)d was in it already.", "%(count)d were in it already.", pasted.were_in)
    text = new % {"count": pasted.joined}
    messages.success(request, f"{text} {there % {'count': pasted.were_in}}" if pasted.were_in else text)
