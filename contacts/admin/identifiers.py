"""The Identifiers tab of the sheet, and its two verbs: an identifier is detached, or moved to another contact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.absence import WITH_SHEET, SheetFinder
from contacts.admin.journal import show_value
from contacts.admin.wording import KINDS, SOURCES, SYSTEM_LABELS, link_contact, word
from contacts.columns import CUSTOM_PREFIX
from contacts.finding import find_contacts, read_query
from contacts.identity import Detached, detach_identifier, move_identifier
from contacts.identity.letting_go import field_of
from contacts.identity.settings import current_settings
from contacts.identity.world import primary_key_of
from contacts.keys import PERMANENT_KINDS, Kind
from contacts.models import App, Contact, CustomField, Identifier
from contacts.records import Key
from crm.audit import actor_of
from crm.errors import CardfileError

__all__ = ["Group", "Held", "IdentifierVerbs", "list_identifiers"]

IDENTIFIERS_AT_MOST: Final = 200
FOUND_AT_MOST: Final = 10
LONGEST_QUERY: Final = 600
LASTING: Final = PERMANENT_KINDS | {Kind.CUSTOM}
DETAILS: Final[dict[str, Any]] = {
    "deviceModel": gettext_lazy("Device"),
    "category": gettext_lazy("Kind of device"),
    "os": gettext_lazy("System"),
    "locale": gettext_lazy("Language"),
    "timeZone": gettext_lazy("Time zone"),
    "clientVersion": gettext_lazy("SDK"),
    "appVersion": gettext_lazy("App version"),
    "active": gettext_lazy("Takes messages"),
    "muted": gettext_lazy("Muted"),
    "mutedUntil": gettext_lazy("Muted until"),
    "app": gettext_lazy("App"),
    "deviceId": gettext_lazy("Device ID"),
    "userAgent": gettext_lazy("Browser"),
    "userAgentVersion": gettext_lazy("Browser version"),
    "userAgentLanguage": gettext_lazy("Language"),
    "ip": gettext_lazy("IP address"),
    "subscriptionPage": gettext_lazy("Subscribed on"),
    "swActiveVersion": gettext_lazy("Service worker"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """One identifier of the contact; ``value`` is as it was written, where that is known."""

    pk: int
    kind: str
    app: str
    value: str
    is_primary: bool
    is_further: bool
    source: str
    first_seen_at: datetime
    last_seen_at: datetime
    details: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Group:
    """Permanent identifiers, or changeable ones."""

    title: str
    explanation: str
    rows: list[Held]


def list_identifiers(contact: Contact) -> tuple[list[Group], bool]:
    """All identifiers by kind, in two groups, and whether there are more than are shown."""
    rows = Identifier.objects.filter(contact_id=contact.pk).exclude(kind=Kind.ORDER)
    found = list(rows.order_by("kind", "-last_seen_at")[: IDENTIFIERS_AT_MOST + 1])
    labels, apps = _read_labels(row.app for row in found if row.kind == Kind.CUSTOM), _read_apps(found)
    shown = [(row, read_identifier(row, contact, labels, apps)) for row in found[:IDENTIFIERS_AT_MOST]]
    shown.sort(key=lambda pair: (pair[0].kind, not pair[1].is_primary))
    lasting = [held for row, held in shown if row.kind in LASTING]
    passing = [held for row, held in shown if row.kind not in LASTING]
    groups = [
        Group(_("Permanent"), _("They stay with the person, and records find the contact by them first."), lasting),
        Group(_("Changeable"), _("Devices, apps and browsers: they may change hands."), passing),
    ]
    return [group for group in groups if group.rows], len(found) > IDENTIFIERS_AT_MOST


def read_identifier(
    row: Identifier, contact: Contact, labels: Mapping[str, str], apps: Mapping[str, str] = MappingProxyType({})
) -> Held:
    """``labels`` are what custom fields are called, ``apps`` what registered apps are."""
    details = {key: value for key, value in (row.details or {}).items() if value is not None}
    written = str(details.pop("value", "")) if row.value.startswith("sha256:") else ""
    if not details.get("muted", True):
        del details["muted"]
    if "app" in details:
        details["app"] = apps.get(str(details["app"]), details["app"])
    is_primary = _is_primary(row, contact)
    return Held(
        pk=row.pk,
        kind=labels.get(row.app, row.app) if row.kind == Kind.CUSTOM else word(KINDS, row.kind),
        app="" if row.kind == Kind.CUSTOM else apps.get(row.app, row.app),
        value=str(getattr(contact, Kind(row.kind).slug)) if is_primary else written or row.value,
        is_primary=is_primary,
        is_further=row.kind in PERMANENT_KINDS and not is_primary,
        source=word(SOURCES, row.source) if row.source else "—",
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        details=[(word(DETAILS, key), str(show_value(key, details[key]))) for key in sorted(details, key=_place_of)],
    )


def _place_of(key: str) -> tuple[int, str]:
    """What is known stands in the order of its words, the rest behind."""
    return list(DETAILS).index(key) if key in DETAILS else len(DETAILS), key


def _is_primary(row: Identifier, contact: Contact) -> bool:
    kind = Kind(row.kind)
    if kind not in PERMANENT_KINDS:
        return False
    value = getattr(contact, kind.slug)
    return bool(value) and primary_key_of(kind, value)[2] == row.value


def _read_labels(apps: Iterable[str]) -> dict[str, str]:
    """The custom fields that these keys stand in."""
    wanted = set(apps)
    labels = dict(CustomField.objects.filter(key__in=wanted).values_list("key", "label")) if wanted else {}
    return {"contact_key": word(SYSTEM_LABELS, "contact_key"), **labels}


def _read_apps(rows: Iterable[Identifier]) -> dict[str, str]:
    """What the apps that these name are called, as far as they are registered."""
    named = {str(app) for row in rows for app in (row.app, (row.details or {}).get("app")) if app}
    found = App.objects.filter(app_id__in=named).values_list("app_id", "name") if named else ()
    return {app_id: name if name == app_id else f"{name} ({app_id})" for app_id, name in found}


def name_column(column: str) -> str:
    """What a field is called."""
    if column.startswith(CUSTOM_PREFIX):
        key = column.removeprefix(CUSTOM_PREFIX)
        return _read_labels([key]).get(key, key)
    return word(SYSTEM_LABELS, column)


class IdentifierVerbs(SheetFinder):
    """Whoever may see the contact sees them; whoever may change it detaches and moves them."""

    def get_urls(self) -> list[URLPattern]:
        wrap, place = self.admin_site.admin_view, "<int:contact_id>/identifiers/"
        return [
            path(place, wrap(self.identifiers_view), name="contacts_contact_identifiers"),
            path(f"{place}<int:identifier_id>/detach/", wrap(self.detach_view), name="contacts_contact_detach"),
            path(f"{place}<int:identifier_id>/move/", wrap(self.move_view), name="contacts_contact_move"),
            *super().get_urls(),
        ]

    def identifiers_view(self, request: HttpRequest, contact_id: int) -> HttpResponse:
        contact = self.find_sheet(request, contact_id)
        if contact is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        groups, more = list_identifiers(contact)
        context = {
            "groups": groups,
            "more_identifiers": more,
            "contact_id": contact.pk,
            "may_change": self.has_change_permission(request, contact),
        }
        return TemplateResponse(request, "contacts/identifiers.html", context)

    # Detach

    def detach_view(self, request: HttpRequest, contact_id: int, identifier_id: int) -> HttpResponse:
        """Say what will happen, then do it."""
        contact, row = self.find_identifier(request, contact_id, identifier_id)
        if contact is None or row is None:
            return self.explain_lost_identifier(request, contact_id, contact)
        named = contact.pk, Kind(row.kind), row.app, row.value
        by = actor_of(request)
        try:
            done = detach_identifier(*named, by=by, dry_run=request.method != "POST")
        except CardfileError as error:
            messages.error(request, _(error.message))
            return redirect(identifiers_of(contact.pk))
        if request.method == "POST":
            messages.success(request, _("The identifier was detached. The history can take it back."))
            return redirect(identifiers_of(contact.pk))
        context = self.identifier_context(request, contact, row) | {
            "title": _("Detach an identifier"),
            "consequences": list(say_consequences(done)),
        }
        return TemplateResponse(request, "contacts/detach.html", context)

    # Move

    def move_view(self, request: HttpRequest, contact_id: int, identifier_id: int) -> HttpResponse:
        """Find the other contact, say what will happen, then do it."""
        contact, row = self.find_identifier(request, contact_id, identifier_id)
        if contact is None or row is None:
            return self.explain_lost_identifier(request, contact_id, contact)
        context = self.identifier_context(request, contact, row) | {"title": _("Move an identifier")}
        chosen = (request.POST if request.method == "POST" else request.GET).get("to", "")
        taker = self.find_contact(chosen)
        if chosen:
            answer = self.move_or_rehearse(request, contact, row, taker, context)
            if answer is not None:
                return answer
        else:
            context |= find_takers(request.GET.get("q", ""), contact)
        return TemplateResponse(request, "contacts/move.html", context)

    def move_or_rehearse(
        self, request: HttpRequest, contact: Contact, row: Identifier, taker: Contact | None, context: dict[str, Any]
    ) -> HttpResponse | None:
        """Where to go on when it was moved; else the page says what will happen, or who stands in the way."""
        named = contact.pk, Kind(row.kind), row.app, row.value
        by, moves = actor_of(request), request.method == "POST"
        try:
            done = move_identifier(*named, taker.pk if taker else 0, by=by, dry_run=not moves)
        except CardfileError as error:
            context |= {"taker": taker, "refusal": _(error.message)} | show_obstacle(error, contact.pk)
            return None
        if moves:
            link = link_contact(done.to_contact_id or 0, str(taker))
            text = _("The identifier was moved to {contact}. The history can take it back.")
            messages.success(request, format_html(text, contact=link))
            return redirect(identifiers_of(contact.pk))
        context |= {"taker": taker, "consequences": list(say_consequences(done))}
        return None

    # Both

    def find_identifier(
        self, request: HttpRequest, contact_id: int, identifier_id: int
    ) -> tuple[Contact | None, Identifier | None]:
        """The contact, and what it has under that number; raises where the user may change neither."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        contact = self.find_sheet(request, contact_id)
        if contact is None or identifier_id >= 2**63:
            return contact, None
        return contact, Identifier.objects.filter(contact_id=contact.pk, pk=identifier_id).first()

    def explain_lost_identifier(self, request: HttpRequest, contact_id: int, contact: Contact | None) -> HttpResponse:
        if contact is None:
            return self.explain_absence(request, str(contact_id), self.find_contact(str(contact_id)))
        messages.warning(request, _("The contact does not have this identifier any more."))
        return redirect(identifiers_of(contact.pk))

    def identifier_context(self, request: HttpRequest, contact: Contact, row: Identifier) -> dict[str, Any]:
        labels = _read_labels([row.app]) if row.kind == Kind.CUSTOM else {}
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "contact": contact,
            "original": contact,
            "held": read_identifier(row, contact, labels, _read_apps([row])),
            "back": identifiers_of(contact.pk),
        }


def identifiers_of(contact_id: int) -> str:
    return reverse("admin:contacts_contact_change", args=[contact_id]) + "#identifiers"


def find_takers(text: str, giver: Contact) -> dict[str, Any]:
    """Those whom a text means, the exact ones first."""
    text = text[:LONGEST_QUERY].strip()
    if not text:
        return {"query": ""}
    found = find_contacts(read_query(text, current_settings().schema.country))
    ids = [pk for pk in (*found.exact, *found.by_name) if pk != giver.pk][: FOUND_AT_MOST + 1]
    contacts = {contact.pk: contact for contact in Contact.objects.filter(pk__in=ids, state__in=WITH_SHEET)}
    return {
        "query": text,
        "found": [contacts[pk] for pk in ids[:FOUND_AT_MOST] if pk in contacts],
        "more_found": len(ids) > FOUND_AT_MOST,
        "is_itself": giver.pk in (*found.exact, *found.by_name),
    }


def show_obstacle(error: CardfileError, contact_id: int) -> dict[str, Any]:
    """Who stands in the way, to open or to merge with."""
    other_id = error.attributes.get("other_id")
    if other_id is None or other_id == contact_id:
        return {}
    other = Contact.objects.filter(pk=other_id).first()
    value, column = error.attributes.get("value"), error.attributes.get("column", "")
    told = f"{name_column(column)}: {show_value(column, value)}" if value is not None else ""
    return {"obstacle": other, "obstacle_value": told}


def say_consequences(done: Detached) -> Iterable[str | SafeString]:
    """What a person wants to know before."""
    yield from _say_of_field(done)
    yield from _say_of_kind(done.key, done.to_contact_id)
    if done.is_bare:
        yield _("The contact has no other identifier, so no record will find it any more.")
    elif done.is_anonymous:
        yield _("The contact becomes anonymous: whoever its device turns out to be takes it over.")


def _say_of_field(done: Detached) -> Iterable[str]:
    column = field_of(done.key)
    if not column:
        return
    label = name_column(column)
    if not done.column:
        yield _("The field {field} stays as it is: this is a further value that came by a merge.").format(field=label)
    elif done.now is None:
        yield _("The field {field} will be empty.").format(field=label)
    else:
        text = _("In the field {field} will stand {value}, which came by a merge.")
        yield text.format(field=label, value=show_value(column, done.now))


def _say_of_kind(key: Key, to_contact_id: int | None) -> Iterable[str]:
    if to_contact_id is not None:
        yield _("From then on, records with this value find the other contact. Events stay where they were recorded.")
    elif key[0] == Kind.EXTERNAL_ID:
        yield _("The external ID is free: the next record that carries it makes a contact, or gives it to another one.")
    elif key[0] in LASTING:
        yield _("Records with this value do not find this contact any more.")
    else:
        yield _("If it is seen again, it is new. Events stay where they were recorded.")
