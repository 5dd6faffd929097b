"""The dashboard's panel of segments, and what their jobs are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

from crm.admin import dashboard, job_words, nothing
from crm.admin.charts import say_number
from crm.admin.dashboard import Panel, may
from crm.admin.job_words import About, JobWords
from segments.models import Snapshot
from segments.sizes import ShownSize, largest_segments

__all__: list[str] = []

SHOWN: Final = 8


def read_sizes(request: HttpRequest) -> Mapping[str, Any]:
    return {
        "rows": [show_size(one) for one in largest_segments(SHOWN)],
        "link": reverse("admin:segments_segment_changelist"),
        "add_link": reverse("admin:segments_segment_add") if request.user.has_perm("segments.add_segment") else "",
    }


def show_size(one: ShownSize) -> dict[str, Any]:
    return {
        "name": one.segment.name,
        "link": reverse("admin:segments_segment_members", args=[one.segment.pk]),
        "size": say_number(one.size),
        "counted_at": one.counted_at,
        "week": f"{'−' if one.week < 0 else '+'}{say_number(abs(one.week))}" if one.week else "",
    }


def find_snapshots(ids: Collection[int]) -> Mapping[int, About]:
    found = Snapshot.objects.filter(pk__in=ids).values_list("pk", "source_name", "by")
    return {pk: About(name, reverse("admin:segments_segment_members", args=[pk]), by) for pk, name, by in found}


dashboard.register(
    Panel(
        "segments",
        gettext_lazy("Segments"),
        50,
        "segments/panel.html",
        read_sizes,
        may("segments.view_segment", "segments.change_segment"),
    )
)
job_words.register(
    {
        "segments.snapshots.fill": JobWords(gettext_lazy("Filling a static segment"), "snapshot_id", find_snapshots),
        "segments.watching.move_on": JobWords(gettext_lazy("Keeping the histories of segments")),
        "segments.watching.follow_clock": JobWords(gettext_lazy("Keeping the histories of segments by the clock")),
        "segments.watching.jobs.forget_old_job": JobWords(gettext_lazy("Forgetting old histories of segments")),
        "segments.sizes.count_sizes_by_clock": JobWords(gettext_lazy("Counting segments for the dashboard")),
    }
)
nothing.register(
    {"segments.segment": gettext_lazy("No segment yet. Make one of conditions, or put contacts into one by hand.")}
)
