"""A segment in the words of the back office: its sentence, its number of members, why it may not be deleted."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from segments.catalogue import describe_segment, find_users
from segments.conditions.errors import DefinitionRefused
from segments.conditions.lookups import DatabaseLookups
from segments.errors import CountTookTooLong
from segments.membership import count_members
from segments.models import Segment

__all__ = ["link_members", "link_segments", "show_count", "show_guards", "show_sentence"]


def show_sentence(segment: Segment, lookups: DatabaseLookups) -> str | SafeString:
    """The segment in words, or what is wrong with it."""
    if segment.is_static:
        return _("Contacts that were added by hand, by an import or through the API.")
    try:
        return describe_segment(segment, lookups)
    except DefinitionRefused as refused:
        return format_html(
            "{} {}",
            _("The conditions are broken, so nobody is in it."),
            format_html_join(" ", "{}", ((line,) for line in refused.lines)),
        )


def show_count(segment: Segment, milliseconds: int, lookups: DatabaseLookups) -> str:
    """The number of members, or that it cannot be had in time."""
    if milliseconds <= 0:
        return _("takes too long")
    try:
        return f"{count_members(segment, milliseconds=milliseconds, lookups=lookups):,}"
    except CountTookTooLong:
        return _("takes too long")
    except DefinitionRefused:
        return "—"


def show_guards(segment: Segment) -> list[str]:
    """Why the segment may not be deleted."""
    if segment.is_builtin:
        return [_("“{name}” is ready-made.").format(name=segment.name)]
    message = _("“{user}” uses “{name}”.")
    return [message.format(user=user.name, name=segment.name) for user in find_users(segment)]


def link_members(segment: Segment, text: str) -> SafeString:
    """A link to the members page."""
    return format_html(
        '<a class="text-link underline" href="{}">{}</a>',
        reverse("admin:segments_segment_members", args=[segment.pk]),
        text,
    )


def link_segments(segments: Iterable[Segment]) -> SafeString:
    """Links to the pages of these segments."""
    links = ((reverse("admin:segments_segment_change", args=[segment.pk]), segment.name) for segment in segments)
    return format_html_join(", ", '<a class="text-link underline" href="{}">{}</a>', links)
