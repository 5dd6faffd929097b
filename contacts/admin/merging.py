"""Merging two contacts side by side: find the other one, compare, look at the result, merge, and take it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.admin.comparing import SIDES, Comparison, Pair, compare, read_pair, read_picks, turn_into_choices
from contacts.admin.journal import show_value
from contacts.admin.suggesting import name_kind
from contacts.admin.wording import KINDS, SYSTEM_LABELS, link_contact, show_channel, word
from contacts.columns import SYSTEM_COLUMNS
from contacts.finding import find_contacts, read_query
from contacts.identity import merge_contacts
from contacts.identity.duplicates import waiting_cases
from contacts.identity.merge import ChangedMeanwhile, MergeRehearsal, rehearse_merge
from contacts.identity.settings import current_settings
from contacts.keys import Kind
from contacts.models import Contact, ContactState, CustomField
from contacts.records import Key
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["MergePages", "compare_url", "read_id"]

FOUND_AT_MOST: Final = 20
IDENTIFIERS_AT_MOST: Final = 30


def compare_url(left: int, right: int | None = None, *, case: int | None = None) -> str:
    """The address of the two side by side, or where the other one is asked for."""
    given = {"left": left, "right": right, "case": case}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"{reverse('admin:contacts_merge_compare')}?{query}"


def read_id(text: str) -> int | None:
    """The id that an address names; None where it can be none."""
    text = text.strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
    return number if 0 < number < 2**63 else None


class Asked(NamedTuple):
    """Whom an address or a form is about; ``case`` is the case of the inbox it came from."""

    left: int | None
    right: int | None
    case: int | None
    keep: str
    picks: dict[str, str]
    seen: dict[int, datetime]

    @classmethod
    def of(cls, data: QueryDict) -> Asked:
        ids = [read_id(data.get(side, "")) for side in SIDES]
        moments = (parse_moment(data.get(f"seen_{side}", "")) for side in SIDES)
        seen = {pk: at for pk, at in zip(ids, moments, strict=True) if pk is not None and at is not None}
        return cls(ids[0], ids[1], read_id(data.get("case", "")), data.get("keep", ""), read_picks(data), seen)


def parse_moment(text: str) -> datetime | None:
    """A moment as the form carries it; None where it is none."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


class MergePages:
    """Hung into the admin of merges."""

    admin_site: Any
    opts: Any

    def list_merge_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.compare_view)
        return [path("compare/", view, name="contacts_merge_compare")]

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """GET shows the two; POST looks at the result (``step=preview``), merges, or goes back to the two."""
        may_merge = request.user.has_perm("contacts.change_contact")
        if not (may_merge if request.method == "POST" else may_merge or request.user.has_perm("contacts.view_contact")):
            raise PermissionDenied
        asked = Asked.of(request.POST if request.method == "POST" else request.GET)
        if asked.left is None or asked.right is None:
            return self.show_finder(request, asked)
        pair = read_pair(asked.left, asked.right)
        if pair is None:
            return self.show_finder(request, asked)
        if pair.left.contact.pk == pair.right.contact.pk:
            return self.say_one_already(request, pair.left.contact)
        if request.method == "POST" and request.POST.get("step") in ("preview", "merge"):
            return self.carry_out(request, asked, pair)
        return self.show_comparison(request, asked, pair)

    # The two

    def show_comparison(
        self, request: HttpRequest, asked: Asked, pair: Pair, *, error: CardfileError | None = None
    ) -> HttpResponse:
        comparison = self.compare(request, asked, pair)
        context = {
            "title": _("Merge two contacts"),
            "comparison": comparison,
            "asked": asked,
            "shared": name_kind(comparison.shared.kind) if comparison.shared else "",
            "may_merge": request.user.has_perm("contacts.change_contact"),
            "refusal": refuse(pair),
            "error": _(error.message) if error is not None else "",
            "swap_url": compare_url(pair.right.contact.pk, pair.left.contact.pk, case=asked.case),
        }
        return self.render(request, "contacts/merge_compare.html", context, status=409 if error is not None else 200)

    def compare(self, request: HttpRequest, asked: Asked, pair: Pair) -> Comparison:
        may_see = request.user.has_perm("segments.view_segment")
        return compare(pair, keep=asked.keep, picks=asked.picks, with_segments=may_see)

    def carry_out(self, request: HttpRequest, asked: Asked, pair: Pair) -> HttpResponse:
        """Look at the result, or merge; what is refused is said above the two."""
        comparison = self.compare(request, asked, pair)
        survivor, loser = comparison.survivor.contact, comparison.loser.contact
        verb = merge_contacts if request.POST["step"] == "merge" else rehearse_merge
        known = {survivor.pk, loser.pk}
        try:
            if not known <= asked.seen.keys():
                raise ChangedMeanwhile
            done = verb(
                survivor.pk,
                loser.pk,
                by=actor_of(request),
                choices=turn_into_choices(comparison),
                seen=asked.seen,
            )
        except CardfileError as error:
            return self.show_comparison(request, asked, pair, error=error)
        if isinstance(done, MergeRehearsal):
            return self.show_preview(request, asked, comparison, done)
        back = {"case": asked.case} if asked.case else {}
        return redirect(f"{reverse('admin:contacts_merge_change', args=[done])}?{urlencode({'done': 1, **back})}")

    def show_preview(
        self, request: HttpRequest, asked: Asked, comparison: Comparison, rehearsal: MergeRehearsal
    ) -> HttpResponse:
        context = {
            "title": _("What the merge would do"),
            "comparison": comparison,
            "asked": asked,
            "lines": list_result(rehearsal),
            "identifiers": name_identifiers(rehearsal.identifiers),
            "dropped": name_identifiers(rehearsal.dropped),
        }
        return self.render(request, "contacts/merge_preview.html", context)

    def say_one_already(self, request: HttpRequest, contact: Contact) -> HttpResponse:
        messages.info(request, _("These two are one contact already. This is its sheet."))
        return redirect("admin:contacts_contact_change", contact.pk)

    # The other one

    def show_finder(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """Who is given, and a search for who is not."""
        known = asked.left or asked.right
        given = living().filter(pk=known).first() if known else None
        text = request.GET.get("q", "")
        found, stopped = search(text, but=given.pk if given else None) if text.strip() else ([], False)
        context = {
            "asked": asked,
            "title": _("Find the other contact") if given else _("Find two contacts"),
            "given": given,
            "is_unknown": known is not None and given is None,
            "query": text,
            "stopped": stopped,
            "found": [(contact, found_url(given, contact)) for contact in found],
            "alike": list_alike(given) if given and not text.strip() else [],
        }
        status = 404 if context["is_unknown"] or (asked.left and asked.right) else 200
        return self.render(request, "contacts/merge_find.html", context, status=status)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
    ) -> HttpResponse:
        frame = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, template, frame, status=status)


def refuse(pair: Pair) -> str | SafeString:
    """Why these two cannot be merged, and what can be done instead; empty where they can."""
    if any(party.facts.is_active for party in pair.parties):
        return ""
    text = _("Both contacts are deleted, and a deleted one cannot stay. Restore {left} or {right} first.")
    return format_html(text, left=link_contact(pair.left.contact.pk), right=link_contact(pair.right.contact.pk))


def search(text: str, *, but: int | None) -> tuple[list[Contact], bool]:
    """Whom a text finds, the exact ones first, and whether the search for names was stopped."""
    found = find_contacts(read_query(text, current_settings().schema.country))
    ids = [pk for pk in (*found.exact, *found.by_name) if pk != but][:FOUND_AT_MOST]
    contacts = living().in_bulk(ids)
    return [contacts[pk] for pk in ids if pk in contacts], found.stopped


def found_url(given: Contact | None, contact: Contact) -> str:
    return compare_url(given.pk, contact.pk) if given else compare_url(contact.pk)


def list_alike(given: Contact) -> list[tuple[Contact, str]]:
    """Those whom an open case holds for the same."""
    cases = waiting_cases().filter(contact_ids__contains=[given.pk]).order_by("-pk")[:5]
    ids = {pk for case in cases for pk in case.contact_ids if pk != given.pk}
    return [(contact, compare_url(given.pk, pk)) for pk, contact in living().in_bulk(ids).items()] if ids else []


def living() -> QuerySet[Contact]:
    """Merged and erased contacts are no sheets."""
    return Contact.objects.filter(state__in=(ContactState.ACTIVE, ContactState.DELETED))


def name_identifiers(keys: Iterable[Key]) -> list[tuple[str, str]]:
    """Kind and value of each; the numbers of orders are told with the orders."""
    return [(word(KINDS, kind), value) for kind, _app, value in keys if kind != Kind.ORDER]


def list_result(rehearsal: MergeRehearsal) -> list[dict[str, Any]]:
    """The survivor as it would be, field by field; changed ones say what they were."""
    values, labels = rehearsal.values, {f"fields.{one.key}": one.label for one in CustomField.objects.all()}
    columns = [column.key for column in SYSTEM_COLUMNS if column.write]
    keys = [*columns, *(key for key in labels if key.removeprefix("fields.") in values["attributes"])]
    keys += [key for key in rehearsal.after if key in labels and key not in keys]
    return [line for key in keys if (line := _line(key, rehearsal, values, labels)) is not None]


def _line(
    key: str, rehearsal: MergeRehearsal, values: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, Any] | None:
    value = values["attributes"].get(key.removeprefix("fields.")) if key in labels else values[key]
    changed = key in rehearsal.after
    if value in (None, "", []) and not changed:
        return None
    state = values.get(f"{key}_state")
    return {
        "label": labels.get(key) or word(SYSTEM_LABELS, key),
        "value": show_channel(value, state) if state else show_value(key, value),
        "changed": changed,
        "before": show_value(key, rehearsal.before.get(key)) if rehearsal.before.get(key) is not None else "",
    }
