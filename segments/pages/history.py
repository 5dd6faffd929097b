"""A segment over time: how large it was, who was in it on a day, and the switch that keeps this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from crm.admin.charts import Chart, Series, draw_lines, say_number
from segments.models import Cause, Watch, WatchStage
from segments.pages.members import read_place
from segments.pages.page import SegmentPage
from segments.watching import check_again, list_as_of, list_sizes, stop_watching, today_of, watch_segment
from segments.watching.reading import AsOf, DaySize

__all__ = ["HistoryView"]

ROWS_A_PAGE: Final = 50
PERIODS: Final = (30, 90, 365)
LONGEST_KEPT: Final = 3_650


class WatchForm(forms.ModelForm):
    """The switch, and whom to tell."""

    kept_days = forms.IntegerField(
        label=gettext_lazy("Days that stays are kept"),
        min_value=1,
        max_value=LONGEST_KEPT,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=gettext_lazy("Who left longer ago is forgotten. The sizes by day are kept for ever."),
    )

    class Meta:
        model = Watch
        fields = ("is_on", "tells_webhooks", "records_events", "kept_days")
        widgets = {name: UnfoldBooleanSwitchWidget() for name in ("is_on", "tells_webhooks", "records_events")}


class HistoryView(SegmentPage):
    """GET shows, POST switches (``save``) or looks through everybody once more (``check``)."""

    template_name = "segments/history.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.form: WatchForm | None = None
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.title = _("History")
        return super().get(request, *args, **kwargs)

    @property
    def may_change(self) -> bool:
        return bool(self.model_admin.has_change_permission(self.request, self.segment))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.may_change:
            return self.handle_no_permission()
        if "check" in request.POST:
            check_again(self.segment)
            messages.info(request, _("All contacts are looked through once more. That takes a while."))
            return redirect("admin:segments_segment_history", self.segment.pk)
        self.form = WatchForm(request.POST, instance=self.watch)
        if not self.form.is_valid():
            return self.get(request, *args, **kwargs)
        self.save(self.form.cleaned_data)
        return redirect("admin:segments_segment_history", self.segment.pk)

    def save(self, chosen: dict[str, Any]) -> None:
        if chosen.pop("is_on"):
            watch_segment(self.segment, **chosen)
            messages.success(self.request, _("A history of the members is kept."))
        else:
            stop_watching(self.segment)
            messages.success(self.request, _("No history of the members is kept any more."))

    @property
    def watch(self) -> Watch:
        return Watch.objects.filter(segment=self.segment).first() or Watch(segment=self.segment, is_on=False)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        watch, today = self.watch, today_of(datetime.now(UTC))
        period = next((days for days in PERIODS if self.request.GET.get("days") == str(days)), PERIODS[0])
        sizes = list_sizes(self.segment, first=today - timedelta(days=period - 1), last=today)
        return super().get_context_data(**kwargs) | {
            "watch": watch,
            "state": show_state(watch),
            "form": self.form or WatchForm(instance=watch),
            "may_change": self.may_change,
            "chart": draw_lines(
                [one.day for one in sizes], [Series(_("Members"), "first", [one.size for one in sizes])]
            ),
            "chart_says": say_sizes(sizes),
            "sizes": list(reversed(sizes)),
            "period": period,
            "periods": PERIODS,
            **self.read_day(watch, today),
        }

    def read_day(self, watch: Watch, today: date) -> dict[str, Any]:
        """Who was in at the end of the day that is asked for."""
        asked = self.request.GET.get("day", "")
        shown: dict[str, Any] = {"day": asked, "today": today.isoformat(), "rows": None}
        if not asked:
            return shown
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            return shown | {"day_problem": _("Write the day as YYYY-MM-DD.")}
        problem = find_problem(watch, day, today)
        if problem:
            return shown | {"day_problem": problem}
        after = read_place(self.request.GET.get("after", ""))
        found = list_as_of(self.segment, day, after=after, limit=ROWS_A_PAGE + 1)
        rows = found[:ROWS_A_PAGE]
        more = rows[-1].stay.contact_id if len(found) > ROWS_A_PAGE else None
        return shown | {"rows": [show_row(row) for row in rows], "next_after": more, "is_first_page": after == 0}


def find_problem(watch: Watch, day: date, today: date) -> str:
    """Why nobody can say who was in on this day; '' if somebody can."""
    if watch.since is None:
        return _("There is no history yet. Keep one, then ask for a day from then on.")
    first = max(today_of(watch.since), today - timedelta(days=watch.kept_days))
    if not first <= day <= today:
        return _("The history reaches from {first} to {last}. Choose a day of these.").format(first=first, last=today)
    return ""


def draw_sizes(sizes: Sequence[DaySize]) -> Chart | None:
    return draw_lines([one.day for one in sizes], [Series(_("Members"), "first", [one.size for one in sizes])])


def say_sizes(sizes: Sequence[DaySize]) -> str:
    """What the chart shows, as a sentence."""
    if not sizes:
        return ""
    text = _("From {first} members at the beginning to {last} at the end.")
    return text.format(first=say_number(sizes[0].size), last=say_number(sizes[-1].size))


def show_state(watch: Watch) -> str:
    """How far the history is, as a sentence."""
    if not watch.is_on:
        return _("No history of the members is kept.")
    if watch.problem:
        return _("The conditions are broken, so nobody enters or leaves: {problem}").format(problem=watch.problem)
    if watch.stage == WatchStage.NEW:
        return _("The history is about to begin.")
    if watch.stage == WatchStage.SWEEPING:
        done = min(100 * watch.swept_to // max(watch.sweep_end, 1), 100)
        return _("All contacts are looked through: {done} % are done.").format(done=done)
    return _("The history is up to date.")


def show_row(found: AsOf) -> dict[str, Any]:
    stay = found.stay
    return {
        "contact": found.contact,
        "number": stay.contact_id,
        "entered_at": stay.entered_at,
        "entered_by": show_cause(stay.entered_by),
        "left_at": stay.left_at,
        "left_by": show_cause(stay.left_by) if stay.left_by else "",
    }


def show_cause(cause: str) -> str:
    return str(Cause(cause).label) if cause in Cause.values else cause
