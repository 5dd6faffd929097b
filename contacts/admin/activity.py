"""The Activity tab of the sheet: a page of the contact's timeline, narrowed by kind and period."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.activity import TimelinePage, timeline
from contacts.activity.timeline import position_moment
from contacts.admin.absence import SheetFinder
from contacts.admin.actors import name_actors
from contacts.admin.telling import ICONS, KIND_LABELS, group_by_day, tell
from contacts.models import CustomField
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["ActivityFilter", "ContactActivity", "show_filter"]

PAGE: Final = 30
MILLISECONDS: Final = 2_000
NOT_FOUND: Final = 404
BAD_REQUEST: Final = 400
PERIODS: Final[tuple[tuple[str, Any], ...]] = (
    ("", gettext_lazy("At any time")),
    ("7", gettext_lazy("In the last 7 days")),
    ("30", gettext_lazy("In the last 30 days")),
    ("90", gettext_lazy("In the last 90 days")),
    ("365", gettext_lazy("In the last year")),
    ("own", gettext_lazy("From … to …")),
)
"""Days back, or dates of one's own."""


class TimelineTookTooLong(CardfileError):
    """Looking through all that took too long and was stopped. Choose a shorter period, or other kinds."""

    code = "took_too_long"


class ActivityFilter(forms.Form):
    """Which part of a timeline is wanted; with nothing given, all of it from the newest on."""

    kinds = forms.MultipleChoiceField(choices=list(KIND_LABELS.items()), required=False)
    period = forms.ChoiceField(choices=PERIODS, required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    before = forms.CharField(required=False)

    def read_page(self, contact_id: int) -> TimelinePage:
        """Raises ``TimelineTookTooLong`` and ``InvalidPosition``."""
        given = self.cleaned_data
        since, until = self._read_period()
        with stopped_after(MILLISECONDS, TimelineTookTooLong):
            return timeline(
                contact_id,
                before=given["before"] or None,
                limit=PAGE,
                kinds=given["kinds"] or None,
                since=since,
                until=until,
            )

    def _read_period(self) -> tuple[datetime | None, datetime | None]:
        """From the beginning of the first day to the end of the last one, in the reader's time zone."""
        period = self.cleaned_data["period"]
        if period and period != "own":
            return timezone.now() - timedelta(days=int(period)), None
        last = self.cleaned_data["until"]
        end = last + timedelta(days=1) if last and last < date.max else None
        return _begin_of(self.cleaned_data["since"]), _begin_of(end)

    def explain(self) -> str:
        """What is wrong with it, in one line."""
        return " ".join(
            f"{self.fields[name].label or name}: {' '.join(map(str, texts))}" for name, texts in self.errors.items()
        )


def _begin_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    try:
        return timezone.make_aware(datetime.combine(day, time.min))
    except OverflowError:  # at the ends of the calendar
        return None


class ContactActivity(SheetFinder):
    """Whoever may see the contact may see what it did."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.activity_view)
        return [path("<int:contact_id>/activity/", view, name="contacts_contact_activity"), *super().get_urls()]

    def activity_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        """A page of entries, for the tab to show or to grow by."""
        if self.find_sheet(request, contact_id) is None:
            return self.answer_activity(request, {"trouble": _("This contact is not there any more.")}, NOT_FOUND)
        form = ActivityFilter(request.GET)
        if not form.is_valid():
            return self.answer_activity(request, {"trouble": form.explain()}, BAD_REQUEST)
        try:
            page = form.read_page(contact_id)
            after = position_moment(form.cleaned_data["before"]) if form.cleaned_data["before"] else None
        except CardfileError as error:
            return self.answer_activity(request, {"trouble": _(error.message)}, BAD_REQUEST)
        return self.answer_activity(request, self.show_activity(request, contact_id, page, after))

    def show_activity(
        self, request: HttpRequest, contact_id: int, page: TimelinePage, after: datetime | None
    ) -> dict[str, Any]:
        changes = [entry for entry in page.entries if entry.table == "change"]
        told = tell(
            page.entries,
            contact_id=contact_id,
            labels=read_labels() if changes else {},
            actors=name_actors(entry.data["by"] for entry in changes),
        )
        older = request.GET.copy()
        older["before"] = page.next or ""
        return {
            "days": group_by_day(told, after=after),
            "older": f"{request.path}?{older.urlencode()}" if page.next else "",
            "is_first": after is None,
            "is_narrowed": any(request.GET.get(name) for name in ("kinds", "period", "since", "until")),
        }

    def answer_activity(self, request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
        return TemplateResponse(request, "contacts/activity_rows.html", context, status=status)


def show_filter() -> dict[str, Any]:
    """What the tab offers to choose from."""
    return {"kinds": [(kind, label, ICONS[kind]) for kind, label in KIND_LABELS.items()], "periods": PERIODS}


def read_labels() -> dict[str, str]:
    """The custom columns by the names that people gave them."""
    return {f"fields.{key}": label for key, label in CustomField.objects.values_list("key", "label")}
