"""The back office's pages of segments: the list, the form, the members."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList, UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminTextareaWidget

from contacts.models import Import
from segments.catalogue import check_definition, delete_segment, describe_segment, find_users, save_segment
from segments.conditions import load_json, write_json
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.errors import CountTookTooLong
from segments.filters import SegmentFilter
from segments.membership import count_members, list_members
from segments.models import Segment, SegmentType
from segments.of_imports import build_segment, find_segment, keep_segment

__all__ = ["SegmentAdmin"]

LIST_MILLISECONDS: Final = 3_000
"""For all counts of one page of the list together."""
PAGE_MILLISECONDS: Final = 5_000
MEMBERS_A_PAGE: Final = 50
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
    fieldsets = ((None, {"fields": ("name", "type", "definition", "meaning", "members_now", "description")}),)
    list_filter_submit = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Segment], search_term: str
    ) -> tuple[QuerySet[Segment], bool]:
        """As the API finds them."""
        return SegmentFilter({"name": search_term}, queryset).qs, False

    def get_urls(self) -> list[URLPattern]:
        members, of_import = (
            self.admin_site.admin_view(view.as_view(model_admin=self)) for view in (MembersView, ImportedView)
        )
        return [
            path("<int:segment_id>/members/", members, name="segments_segment_members"),
            path("import/<int:import_id>/", of_import, name="segments_segment_of_import"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        return ("meaning", "members_now") if obj is None else ("type", "meaning", "members_now")

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


class MembersView(UnfoldModelAdminViewMixin, TemplateView):
    """The members of one segment, by contact id, a page at a time."""

    template_name = "segments/members.html"
    title: str
    permission_required = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        self.segment = self.find_segment(**kwargs)
        self.title = self.segment.name
        return super().dispatch(request, *args, **kwargs)

    def find_segment(self, segment_id: int) -> Segment:
        segment = Segment.objects.filter(pk=segment_id).first()
        if segment is None:
            raise Http404(_t("There is no such segment."))
        return segment

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        lookups = DatabaseLookups()
        context |= {
            "segment": self.segment,
            "opts": self.model_admin.opts,
            "original": self.segment,
            "sentence": show_sentence(self.segment, lookups),
        }
        try:
            return context | self._read_page(lookups)
        except DefinitionRefused as refused:
            return context | {"contacts": [], "problems": refused.lines}

    def _read_page(self, lookups: DatabaseLookups) -> dict[str, Any]:
        after = self.request.GET.get("after", "")
        after_id = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
        found = list_members(self.segment, after=after_id, limit=MEMBERS_A_PAGE + 1)
        try:
            count: int | None = count_members(self.segment, milliseconds=PAGE_MILLISECONDS, lookups=lookups)
        except CountTookTooLong:
            count = None
        contacts = found[:MEMBERS_A_PAGE]
        return {
            "contacts": contacts,
            "count": count,
            "is_first_page": after_id == 0,
            "next_after": contacts[-1].pk if len(found) > MEMBERS_A_PAGE else None,
        }


class ImportedView(MembersView):
    """The contacts that an import touched, or with ``?only=created`` just those that it created; POST keeps them."""

    run: Import

    def find_segment(self, import_id: int) -> Segment:
        if not self.request.user.has_perm("contacts.view_contact"):
            raise PermissionDenied
        run = Import.objects.filter(pk=import_id).first()
        if run is None:
            raise Http404(_t("There is no such import."))
        self.run = run
        return build_segment(run, only_created=self.only_created)

    @property
    def only_created(self) -> bool:
        return self.request.GET.get("only") == "created"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {
            "run": self.run,
            "only_created": self.only_created,
            "kept": find_segment(self.run, only_created=self.only_created),
            "may_keep": self.model_admin.has_add_permission(self.request),
        }

    def post(self, request: HttpRequest, import_id: int) -> HttpResponse:
        if not self.model_admin.has_add_permission(request):
            raise PermissionDenied
        segment = keep_segment(self.run, only_created=self.only_created)
        text = _t("“{name}” is a segment now. Its name can be changed.")
        messages.success(request, text.format(name=segment.name))
        return redirect("admin:segments_segment_members", segment.pk)


def show_sentence(segment: Segment, lookups: DatabaseLookups) -> str:
    """The segment in words, or what is wrong with it."""
    if segment.is_static:
        return _t("Contacts that were added by hand, by an import or through the API.")
    try:
        return describe_segment(segment, lookups)
    except DefinitionRefused as refused:
        return format_html(
            "{} {}",
            _t("The conditions are broken, so nobody is in it."),
            format_html_join(" ", "{}", zip(refused.lines)),
        )


def show_count(segment: Segment, milliseconds: int, lookups: DatabaseLookups) -> str:
    """The number of members, or a dash where it cannot be had in time."""
    if milliseconds <= 0:
        return "…"
    try:
        return f"{count_members(segment, milliseconds=milliseconds, lookups=lookups):,}"
    except CountTookTooLong:
        return "…"
    except DefinitionRefused:
        return "—"


def show_guards(segment: Segment) -> list[str]:
    """Why the segment may not be deleted."""
    if segment.is_builtin:
        return [_t("“{name}” is ready-made.").format(name=segment.name)]
    message = _t("“{user}” uses “{name}”.")
    return [message.format(user=user.name, name=segment.name) for user in find_users(segment)]


def link_members(segment: Segment, text: str) -> str:
    """A link to the members page."""
    return format_html(
        '<a class="text-link underline" href="{}">{}</a>',
        reverse("admin:segments_segment_members", args=[segment.pk]),
        text,
    )
