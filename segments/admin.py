"""The back office's list of segments and the form of one; the pages about one are in ``segments.pages``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Media
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList

from segments.builder import BUILDER_MEDIA, SegmentForm, check_view, show_builder, suggest_view
from segments.catalogue import delete_segment, find_users, save_segment
from segments.conditions.lookups import DatabaseLookups
from segments.filters import SegmentFilter
from segments.models import Segment
from segments.pages import urls_of
from segments.pages.words import link_members, link_segments, show_count, show_guards, show_sentence

__all__ = ["SegmentAdmin"]

LIST_MILLISECONDS: Final = 3_000
"""For all counts of one page of the list together."""
PAGE_MILLISECONDS: Final = 5_000
FIELDS: Final = ("name", "type", "description", "definition")
SHOWN: Final = ("meaning", "members_now", "used_by")


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
    list_filter_submit = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SegmentChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Segment], search_term: str
    ) -> tuple[QuerySet[Segment], bool]:
        """As the API finds them."""
        return SegmentFilter({"name": search_term}, queryset).qs, False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("check/", wrap(partial(check_view, self)), name="segments_segment_check"),
            path("suggest/", wrap(partial(suggest_view, self)), name="segments_segment_suggest"),
            *urls_of(self),
            *super().get_urls(),
        ]

    def get_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        """Who may only look has the builder to look at; what follows from conditions is there once they are saved."""
        if obj is None:
            return FIELDS
        if self.has_change_permission(request, obj):
            return (*FIELDS, *SHOWN)
        return ("name", "type", "description", "conditions", *SHOWN)

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        return () if obj is None else ("type", "conditions", *SHOWN)

    @property
    def media(self) -> Media:
        """The builder's too, for who may only look: the form has it of its own."""
        media: Media = super().media + BUILDER_MEDIA
        return media

    @display(description=_("Conditions"))
    def conditions(self, segment: Segment) -> SafeString:
        return show_builder(segment)

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
        """Hidden where the builder says it, live."""
        return format_html('<span class="sb-words">{}</span>', show_sentence(segment, DatabaseLookups()))

    @display(description=_("Members"))
    def members_now(self, segment: Segment) -> str:
        return once(
            segment, "members", lambda: link_members(segment, show_count(segment, PAGE_MILLISECONDS, DatabaseLookups()))
        )

    @display(description=_("Used by"))
    def used_by(self, segment: Segment) -> str:
        """Whoever uses it keeps it from being deleted."""
        users = once(segment, "users", lambda: find_users(segment))
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


def once(segment: Any, name: str, make: Callable[[], Any]) -> Any:
    """A page's template asks for what it shows several times; the database is asked once."""
    kept = segment.__dict__.setdefault("_shown", {})
    if name not in kept:
        kept[name] = make()
    return kept[name]
