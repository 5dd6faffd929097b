"""Keeping who is in a segment at this moment as a static segment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from segments.conditions.errors import DefinitionRefused
from segments.models import Segment
from segments.pages.page import SegmentPage
from segments.snapshots import take_snapshot

__all__ = ["SnapshotView"]

NAME_AT_MOST = 200


class SnapshotForm(forms.Form):
    """What the static segment is called."""

    name = forms.CharField(
        label=gettext_lazy("Name of the static segment"), max_length=NAME_AT_MOST, widget=UnfoldAdminTextInputWidget
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Segment.objects.filter(name__iexact=name).exists():
            raise forms.ValidationError(_("There is a segment of this name. Choose another name."))
        return name


class SnapshotView(SegmentPage):
    """Asks for the name, then takes it."""

    template_name = "segments/snapshot.html"

    def has_permission(self) -> bool:
        return super().has_permission() and self.model_admin.has_add_permission(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.form = SnapshotForm(request.POST if request.method == "POST" else None)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.title = _("Keep who is in “{segment}” now").format(segment=self.segment.name)
        if not self.form.is_bound:
            self.form.initial["name"] = f"{self.segment.name}, {self.today}"[:NAME_AT_MOST]
        return super().get(request, *args, **kwargs)

    @property
    def today(self) -> str:
        return date_format(timezone.localtime(), "Y-m-d")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.form.is_valid():
            try:
                snapshot = take_snapshot(self.segment, name=self.form.cleaned_data["name"], by=self.by)
            except DefinitionRefused as refused:
                self.form.add_error(None, refused.lines)
            except IntegrityError:
                self.form.add_error("name", _("There is a segment of this name. Choose another name."))
            else:
                say_taken(request, is_finished=snapshot.finished_at is not None)
                return redirect("admin:segments_segment_members", snapshot.segment_id)
        return self.get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"form": self.form}


def say_taken(request: HttpRequest, *, is_finished: bool) -> None:
    if is_finished:
        messages.success(request, _("This static segment has those who were in it a moment ago."))
    else:
        messages.info(request, _("They are many, so they are put in here in the background. Look again in a minute."))
