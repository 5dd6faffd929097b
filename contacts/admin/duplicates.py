"""The inbox of duplicate cases: contacts that may be one person, side by side, each with what is suggested and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from contacts.admin.actors import name_actors
from contacts.admin.clearing import ClearingPages
from contacts.admin.journal import show_moment
from contacts.admin.merging import compare_url
from contacts.admin.suggesting import LEVELS, Suggested, name_shared, put_in_words
from contacts.admin.wording import show_channel
from contacts.identity import dismiss_case, merge_contacts
from contacts.identity.assessing import Party, advise_case, read_parties
from contacts.identity.clearing import count_clear
from contacts.identity.duplicates import put_off_case, waiting_cases
from contacts.identity.suggestions import Level
from contacts.models import CaseReason, CaseStatus, DuplicateCase
from crm.admin.waiting import forget_counts
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["DuplicateCaseAdmin"]

PAGE: Final = 20
LAST_PAGE: Final = 500
SHOWN_AT_MOST: Final = 4
"""Contacts of one case that are shown; a value on more than 50 contacts identifies nobody anyway."""
COUNTED: Final = 1_000
DELAYS: Final = ((1, gettext_lazy("Tomorrow")), (7, gettext_lazy("In a week")), (30, gettext_lazy("In a month")))

REASONS: Final[dict[str, Any]] = {
    CaseReason.SHARED: gettext_lazy("The same email or phone"),
    CaseReason.NAME: gettext_lazy("The same name and birthday"),
    CaseReason.REFUSED: gettext_lazy("Refused by the policy"),
    CaseReason.CONFLICT: gettext_lazy("External ID of another contact"),
}
AGES: Final[dict[str, tuple[Any, Callable[[datetime], Q]]]] = {
    "day": (gettext_lazy("Since yesterday"), lambda now: Q(opened_at__gte=now - timedelta(days=1))),
    "week": (gettext_lazy("In the last 7 days"), lambda now: Q(opened_at__gte=now - timedelta(days=7))),
    "old": (gettext_lazy("Older than 30 days"), lambda now: Q(opened_at__lt=now - timedelta(days=30))),
}
STATUSES: Final[dict[str, tuple[Any, Callable[[datetime], Q]]]] = {
    "later": (
        gettext_lazy("Put off until later"),
        lambda now: Q(status=CaseStatus.OPEN, later_until__gt=now),
    ),
    "dismissed": (gettext_lazy("Not the same"), lambda now: Q(status=CaseStatus.DISMISSED)),
    "merged": (gettext_lazy("Merged"), lambda now: Q(status=CaseStatus.MERGED)),
    "all": (gettext_lazy("All"), lambda now: Q()),
}
"""Beside those that wait, which are shown unless one asks for others."""


class Choice(NamedTuple):
    """One of a filter's choices."""

    value: str
    label: str
    is_chosen: bool


class Filter(NamedTuple):
    """A filter above the cases: one of these, or any."""

    name: str
    label: str
    any_label: str
    choices: list[Choice]


class Member(NamedTuple):
    """A contact of a case, in short."""

    contact: Any
    email: Any
    phone: Any
    changed: str
    stays: bool
    compare_url: str


class Card(NamedTuple):
    """A case as it is shown."""

    case: DuplicateCase
    shared: str
    reason: str
    opened: str
    suggested: Suggested
    members: list[Member]
    more: int
    said: str
    compare_url: str
    may_merge_at_once: bool


@admin.register(DuplicateCase)
class DuplicateCaseAdmin(ClearingPages, ModelAdmin):
    """Nothing here is edited: a case is closed by *not the same*, or by merging, or it comes back later."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:case_id>/dismiss/", wrap(self.dismiss_view), name="contacts_duplicatecase_dismiss"),
            path("<int:case_id>/later/", wrap(self.later_view), name="contacts_duplicatecase_later"),
            path("<int:case_id>/merge/", wrap(self.merge_view), name="contacts_duplicatecase_merge"),
            *self.list_clearing_urls(),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The list says all there is to say of a case."""
        return redirect("admin:contacts_duplicatecase_changelist")

    # The inbox

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may_see = self.has_view_permission(request) and sees_contacts(request)
        if request.method == "POST" or not may_see:
            raise PermissionDenied
        number = read_page_number(request.GET.get("p", ""))
        cases, has_next = read_cases(request, number)
        may_change = self.may_decide(request)
        is_filtered = any(request.GET.get(name) for name in ("reason", "suggestion", "age", "status", "p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Duplicates"),
            "opts": self.opts,
            "cards": show_cards(cases, may_change=may_change),
            "filters": list_filters(request),
            "is_filtered": is_filtered,
            "number": number,
            "previous": address(request, number - 1) if number > 1 else "",
            "next": address(request, number + 1) if has_next else "",
            "back": request.GET.urlencode(),
            "delays": DELAYS,
            "tomorrow": timezone.localdate() + timedelta(days=1),
            "may_decide": may_change,
            "clear_count": count_clear(COUNTED) if may_change and not is_filtered else 0,
            "counted": COUNTED,
        }
        return TemplateResponse(request, "contacts/duplicates.html", context)

    def may_decide(self, request: HttpRequest) -> bool:
        """Deciding changes cases and contacts."""
        return self.has_change_permission(request) and request.user.has_perm("contacts.change_contact")

    # Deciding

    def dismiss_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """*Not the same*, from the inbox, a comparison or a contact's sheet."""
        return self.decide(
            request,
            lambda by: dismiss_case(case_id, by=by),
            _("Remembered: these are not the same person. The case opens again only if another contact joins."),
        )

    def later_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """*Later*: in so many days, or on a day that is named."""
        until = read_until(request.POST.get("days", ""), request.POST.get("until", ""))
        text = _("Put off until {when}. It comes back by itself.").format(when=show_moment(until))
        return self.decide(request, lambda by: put_off_case(case_id, until=until, by=by), text)

    def decide(self, request: HttpRequest, verb: Callable[[str], None], done: str) -> HttpResponse:
        if request.method != "POST" or not self.may_decide(request):
            raise PermissionDenied
        try:
            verb(actor_of(request))
        except CardfileError as error:
            messages.error(request, _(error.message))
        else:
            messages.success(request, done)
        forget_counts()
        return go_back(request)

    def merge_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Merge the two of a clear case at once; whatever is not clear by now is compared first."""
        if request.method != "POST" or not self.may_decide(request):
            raise PermissionDenied
        case = waiting_cases().filter(pk=case_id).first() if case_id < 2**63 else None
        parties = read_parties(case.contact_ids) if case else {}
        if case is None or len(parties) < 2:
            messages.info(request, _("This case is decided already. Here are the others."))
            return go_back(request)
        advice = advise_case(case, parties)
        survivor, *losers = sorted(parties.values(), key=lambda party: party.contact.pk != advice.survivor_id)
        if advice.level != Level.CLEAR or len(losers) > 1:
            return redirect(compare_url(survivor.contact.pk, losers[0].contact.pk, case=case.pk))
        return self.merge_two(request, case, survivor, losers[0])

    def merge_two(self, request: HttpRequest, case: DuplicateCase, survivor: Party, loser: Party) -> HttpResponse:
        seen = {party.contact.pk: party.contact.updated_at for party in (survivor, loser)}
        try:
            merge_id = merge_contacts(survivor.contact.pk, loser.contact.pk, by=actor_of(request), seen=seen)
        except CardfileError as error:
            messages.error(request, _(error.message))
            return redirect(compare_url(survivor.contact.pk, loser.contact.pk, case=case.pk))
        forget_counts()
        return redirect(f"{reverse('admin:contacts_merge_change', args=[merge_id])}?done=1&case={case.pk}")


def sees_contacts(request: HttpRequest) -> bool:
    return any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))


# Reading


def read_page_number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 1
    return min(max(number, 1), LAST_PAGE)


def read_cases(request: HttpRequest, number: int) -> tuple[list[DuplicateCase], bool]:
    """A page of cases, the newest first, and whether there are more. Each filter has an index to walk along."""
    start = (number - 1) * PAGE
    found = list(filter_cases(request.GET).order_by("-opened_at", "-pk")[start : start + PAGE + 1])
    return found[:PAGE], len(found) > PAGE and number < LAST_PAGE


def filter_cases(chosen: Any) -> QuerySet[DuplicateCase]:
    """Those that wait, unless others are asked for; what is no choice is none."""
    now = datetime.now(UTC)
    status = chosen.get("status", "")
    cases = DuplicateCase.objects.filter(STATUSES[status][1](now)) if status in STATUSES else waiting_cases(at=now)
    if chosen.get("age", "") in AGES:
        cases = cases.filter(AGES[chosen["age"]][1](now))
    if chosen.get("reason", "") in REASONS:
        cases = cases.filter(reason=chosen["reason"])
    levels = {str(int(level)): level for level in LEVELS}
    if chosen.get("suggestion", "") in levels:
        cases = cases.filter(suggestion=int(levels[chosen["suggestion"]]))
    return cases


def list_filters(request: HttpRequest) -> list[Filter]:
    def build(name: str, label: str, any_label: str, pairs: Iterable[tuple[str, Any]]) -> Filter:
        chosen = request.GET.get(name, "")
        return Filter(name, label, any_label, [Choice(value, str(text), value == chosen) for value, text in pairs])

    return [
        build(
            "suggestion", _("Suggestion"), _("Any"), ((str(int(key)), words) for key, (words, _tone) in LEVELS.items())
        ),
        build("reason", _("Reason"), _("Any"), ((str(key.value), words) for key, words in _reasons())),
        build("age", _("Opened"), _("At any time"), ((key, words) for key, (words, _q) in AGES.items())),
        build("status", _("Status"), _("Waiting"), ((key, words) for key, (words, _q) in STATUSES.items())),
    ]


def _reasons() -> Iterable[tuple[Any, Any]]:
    return REASONS.items()


def address(request: HttpRequest, number: int) -> str:
    """Another page of the same cases."""
    query = request.GET.copy()
    query["p"] = str(number)
    return f"?{query.urlencode()}"


def go_back(request: HttpRequest) -> HttpResponse:
    """To the sheet it was decided on, or to the inbox as it was filtered."""
    contact = request.POST.get("contact", "")
    if contact.isascii() and contact.isdecimal() and len(contact) < 19:
        return redirect("admin:contacts_contact_change", contact)
    back = request.POST.get("back", "")
    return redirect(reverse("admin:contacts_duplicatecase_changelist") + (f"?{back}" if back else ""))


def read_until(days: str, day: str) -> datetime:
    """The beginning of the day that is named, or of the one in so many days; now where neither can be read."""
    if days.isascii() and days.isdecimal() and len(days) < 4:
        return start_of_day(timezone.localdate() + timedelta(days=int(days)))
    try:
        named = parse_date(day)
    except ValueError:
        named = None
    return start_of_day(named) if named is not None else timezone.now()


def start_of_day(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


# Showing


def show_cards(cases: list[DuplicateCase], *, may_change: bool) -> list[Card]:
    """All of them, with the contacts read at once."""
    parties = read_parties({pk for case in cases for pk in case.contact_ids[:10]}) if cases else {}
    names = name_actors({one for case in cases for one in (case.closed_by, case.later_by)} - {""})
    return [show_card(case, parties, names, may_change=may_change) for case in cases]


def show_card(case: DuplicateCase, parties: dict[int, Party], names: Any, *, may_change: bool) -> Card:
    advice = advise_case(case, parties)
    here = [parties[pk] for pk in case.contact_ids if pk in parties]
    here.sort(key=lambda party: party.contact.pk != advice.survivor_id)
    others = [party.contact.pk for party in here[1:]]
    may_decide = may_change and case.status == CaseStatus.OPEN and bool(others)
    return Card(
        case=case,
        shared=name_shared(case),
        reason=str(REASONS.get(case.reason, case.reason)),
        opened=show_moment(case.opened_at),
        suggested=put_in_words(advice),
        members=[show_member(party, advice.survivor_id, case) for party in here[:SHOWN_AT_MOST]],
        more=max(len(case.contact_ids) - SHOWN_AT_MOST, 0),
        said=say_status(case, names),
        compare_url=compare_url(here[0].contact.pk, others[0], case=case.pk) if others else "",
        may_merge_at_once=may_decide and advice.level == Level.CLEAR and len(others) == 1,
    )


def show_member(party: Party, survivor_id: int | None, case: DuplicateCase) -> Member:
    contact = party.contact
    stays = contact.pk == survivor_id
    return Member(
        contact=contact,
        email=show_channel(contact.email, contact.email_state),
        phone=show_channel(contact.phone, contact.phone_state),
        changed=show_moment(contact.updated_at),
        stays=stays,
        compare_url="" if stays or survivor_id is None else compare_url(survivor_id, contact.pk, case=case.pk),
    )


def say_status(case: DuplicateCase, names: Any) -> str:
    """What was decided, by whom and when; empty while it waits."""
    if case.status == CaseStatus.OPEN:
        if case.later_until is None or case.later_until <= timezone.now():
            return ""
        text = _("Put off until {when} by {who}.")
        return text.format(when=show_moment(case.later_until), who=names[case.later_by].label if case.later_by else "—")
    text = (
        _("Merged on {when} by {who}.")
        if case.status == CaseStatus.MERGED
        else _("Not the same, said {who} on {when}.")
    )
    who = names[case.closed_by].label if case.closed_by else "—"
    return text.format(when=show_moment(case.closed_at), who=who)
