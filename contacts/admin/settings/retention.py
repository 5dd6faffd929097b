"""What is kept how long, and what would go tonight."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.activity.old_events import count_old_events, first_month_kept
from contacts.admin.settings.page import FormPage, say_at_least
from contacts.identity.retention import find_expired, find_old_changes, journal_begins
from contacts.models import Policy
from crm.errors import CardfileError
from crm.limits import stopped_after

__all__ = ["RetentionPage", "say_retention"]

SECONDS: Final = 2.0
EVENT_MILLISECONDS: Final = 1_000


class TookTooLong(CardfileError):
    """The time is over."""

    code = "took_too_long"


class Going(NamedTuple):
    """What would go tonight: of what, and how much."""

    what: str
    says: str


class RetentionPage(FormPage):
    """GET shows, with ``?count=1`` what would go tonight; POST saves. Nothing goes before the night."""

    title = gettext_lazy("Retention")
    template_name = "contacts/settings/retention.html"
    stands_alone = True
    saved = gettext_lazy("It was saved. What is older goes tonight.")
    sections = (
        (gettext_lazy("Contacts"), ("anonymous_erased_after_days", "visitors_erased_after_days")),
        (gettext_lazy("What they did, and what was done to them"), ("events_kept_months", "journal_kept_days")),
        (gettext_lazy("Files"), ("import_files_kept_days",)),
    )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.going = list_going() if request.GET.get("count") else None
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context | {
            "going": getattr(self, "going", None),
            "begins": journal_begins(),
            "month": first_month_kept(),
        }


def list_going() -> list[Going]:
    """Counted within some seconds, each on its own."""
    expired = find_expired(seconds=SECONDS)
    found = [
        Going(_("Anonymous contacts"), say_at_least(expired.contacts, is_exact=expired.is_whole)),
        Going(_("Visitors"), say_at_least(expired.visitors, is_exact=expired.is_whole)),
    ]
    month, begins = first_month_kept(), journal_begins()
    if month is not None:
        found.append(Going(_("Events"), say_events(month)))
    if begins is not None:
        old = find_old_changes(begins, seconds=SECONDS)
        found.append(Going(_("Changes"), say_at_least(old.total, is_exact=old.is_whole)))
    return found


def say_events(month: Any) -> str:
    try:
        with stopped_after(EVENT_MILLISECONDS, TookTooLong):
            count, is_whole = count_old_events(month)
    except TookTooLong:
        return _("too many to be counted here")
    return say_at_least(count, is_exact=is_whole)


def say_retention(policy: Policy) -> str:
    """In one line."""
    parts = [
        _("anonymous contacts {time}").format(time=say_days(policy.anonymous_erased_after_days)),
        _("visitors {time}").format(time=say_days(policy.visitors_erased_after_days)),
        _("changes {time}").format(time=say_days(policy.journal_kept_days)),
        _("events {time}").format(time=say_months(policy.events_kept_months)),
    ]
    line = _("Kept: {parts}.").format(parts=", ".join(parts))
    return line[:1].upper() + line[1:]


def say_days(days: int | None) -> str:
    return _("for ever") if days is None else ngettext("%(count)d day", "%(count)d days", days) % {"count": days}


def say_months(months: int | None) -> str:
    if months is None:
        return _("for ever")
    return ngettext("%(count)d month", "%(count)d months", months) % {"count": months}
