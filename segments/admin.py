"""The back office's list of segments and the form of one; the pages about one are in ``segments.pages``."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget

from segments.catalogue import check_definition, delete_segment, find_users, save_segment
from segments.conditions import load_json, write_json
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.filters import SegmentFilter
from segments.models import Segment, SegmentType
from segments.pages import urls_of
from segments.pages.words import link_members, link_segments, show_count, show_guards, show_sentence

__all__ = ["SegmentAdmin"]

LIST_MILLISECONDS: Final = 3_000
"""For all counts of one page of the list together."""
PAGE_MILLISECONDS: Final = 5_000
EXAMPLE: Final = {"version": 1, "match": {"all": [{"field": "external_id", "op": "is_empty"}]}}


class SegmentForm(forms.ModelForm):
    """Checks the definition and shows each error with its path."""

    definition = forms.CharField(
        label=_("Conditions"),
        required=False,
        strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false", "class": "font-mono"}),
        help_text=_("As JSON. Leave it empty for a static segment."),
    )

    class Meta:
        model = Segment
        fields = ("name", "type", "definition", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        definition = self.instance.definition if self.instance.pk else EXAMPLE
        self.initial["definition"] = write_json(definition) if definition else ""

    def clean_definition(self) -> Any:
        text = self.cleaned_data["definition"]
        if not text:
            return None
        try:
            return load_json(text)
        except DefinitionRefused as refused:
            raise forms.ValidationError(refused.lines) from refused

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        segment_type = cleaned.get("type", self.instance.type)
        if segment_type == SegmentType.STATIC:
            cleaned["definition"] = None
        elif "definition" not in self.errors:
            self._check(cleaned.get("definition"), segment_type)
        return cleaned

    def _check(self, definition: Any, segment_type: str) -> None:
        if definition is None:
            self.add_error("definition", _t("Write the conditions, or make the segment static."))
            return
        try:
            check_definition(definition, segment_type=segment_type, segment_id=self.instance.pk)
        except DefinitionRefused as refused:
            self.add_error("definition", refused.lines)


class SegmentChangeList(ChangeList):
    """Counts and describes the segments of one page, within one time limit for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        lookups, deadline = DatabaseLookups(), monotonic() + LIST_MILLISECONDS / 1000
        self.result_list: list[Any] = list(self.result_list)
        for segment in self.result_list:
            segment.shown_sentence = show_sentence(segment, lookups)
            segment.shown_count = show_count(segment, int((deadline - monotonic()) * 1000), lookups)


@admin.register(Segment)
class SegmentAdmin(ModelAdmin):
    """Every write goes through ``segments.catalogue``."""

    form = SegmentForm
    list_display = ("name", "type_label", "sentence", "members")
    list_filter = ("type",)
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "type", "definition", "meaning", "members_now", "used_by", "description")}),
    )
    list_filter_submit = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Segment], search_term: str
    ) -> tuple[QuerySet[Segment], bool]:
        """As the API finds them."""
        return SegmentFilter({"name": search_term}, queryset).qs, False

    def get_urls(self) -> list[URLPattern]:
        return [*urls_of(self), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        shown = ("meaning", "members_now", "used_by")
        return shown if obj is None else ("type", *shown)

    @display(
        description=_("type"), ordering="type", label={"static": "info", "dynamic": "success", "combined": "warning"}
    )
    def type_label(self, segment: Segment) -> tuple[str, str]:
        return segment.type, segment.get_type_display()

    @display(description=_("conditions"))
    def sentence(self, segment: Any) -> str:
        return str(segment.shown_sentence)

    @display(description=_("members"))
    def members(self, segment: Any) -> str:
        return link_members(segment, segment.shown_count)

    @display(description=_("In words"))
    def meaning(self, segment: Segment) -> str:
        if segment.pk is None:
            return _t("Save the segment to read its conditions in words.")
        return show_sentence(segment, DatabaseLookups())

    @display(description=_("Members"))
    def members_now(self, segment: Segment) -> str:
        if segment.pk is None:
            return "—"
        return link_members(segment, show_count(segment, PAGE_MILLISECONDS, DatabaseLookups()))

    @display(description=_("Used by"))
    def used_by(self, segment: Segment) -> str:
        """Whoever uses it keeps it from being deleted."""
        users = [] if segment.pk is None else find_users(segment)
        return link_segments(users) if users else "—"

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        save_segment(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Segment | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj is not None and obj.is_builtin)

    def delete_model(self, request: HttpRequest, obj: Segment) -> None:
        delete_segment(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Segment]) -> None:
        for segment in queryset:
            delete_segment(segment)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """What deleting would take, without loading the memberships; whatever may not go is listed as protected."""
        segments = list(objs)
        needed = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        protected = [reason for segment in segments for reason in show_guards(segment)]
        return (
            [str(segment) for segment in segments],
            {str(self.opts.verbose_name_plural): len(segments)},
            needed,
            protected,
        )
