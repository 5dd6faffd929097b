"""What the back office says: errors, rules, states and sources in the words of people, in this one place."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.columns import SYSTEM_COLUMNS
from contacts.identity.errors import ExternalIdConflict, ExternalIdTaken, InvalidRecord, RecordSkipped
from contacts.identity.world import primary_key_of
from contacts.keys import Kind
from contacts.models import ChannelState, Contact, Identifier
from contacts.records import Problem
from crm.errors import CardfileError

__all__ = [
    "KINDS",
    "MATCHED_BY",
    "RULES",
    "SOURCES",
    "SYSTEM_LABELS",
    "Refusal",
    "explain_problem",
    "explain_refusal",
    "explain_shared",
    "link_contact",
    "link_merge",
    "show_channel",
    "word",
]

SYSTEM_LABELS: Final[dict[str, Any]] = {
    **{column.key: gettext_lazy(column.label) for column in SYSTEM_COLUMNS},
    "deleted_at": gettext_lazy("Deleted"),
    "merged_into_id": gettext_lazy("Merged into"),
    "identifiers": gettext_lazy("Identifiers"),
    "order_count": gettext_lazy("Orders"),
    "email_state_at": gettext_lazy("Email state since"),
    "email_state_reason": gettext_lazy("Reason of the email state"),
    "phone_state_at": gettext_lazy("Phone state since"),
    "phone_state_reason": gettext_lazy("Reason of the phone state"),
    "made_deliberately": gettext_lazy("Made by a person or an import"),
}

KINDS: Final[dict[int, Any]] = {
    Kind.EXTERNAL_ID: gettext_lazy("External ID"),
    Kind.EMAIL: gettext_lazy("Email"),
    Kind.PHONE: gettext_lazy("Phone"),
    Kind.CUSTOM: gettext_lazy("Custom key"),
    Kind.DEVICE: gettext_lazy("Device ID"),
    Kind.APP_INSTANCE: gettext_lazy("App instance"),
    Kind.MOBILE_PUSH: gettext_lazy("Mobile push token"),
    Kind.WEB_PUSH: gettext_lazy("Web push token"),
    Kind.TELEGRAM: gettext_lazy("Telegram"),
    Kind.COOKIE: gettext_lazy("Web cookie"),
    Kind.ADVERTISING: gettext_lazy("Advertising ID"),
    Kind.ORDER: gettext_lazy("Order number"),
}

SOURCES: Final[dict[str, Any]] = {
    "api": gettext_lazy("API"),
    "import": gettext_lazy("Import"),
    "sheet": gettext_lazy("By hand"),
    "form": gettext_lazy("Subscription form"),
    "web": gettext_lazy("Web tracking"),
    "mobile": gettext_lazy("Mobile tracking"),
    "order": gettext_lazy("Order"),
    "event": gettext_lazy("Event"),
}

MATCHED_BY: Final[dict[str, Any]] = {
    "id": gettext_lazy("by contact ID"),
    "created": gettext_lazy("nobody matched"),
    "external_id": gettext_lazy("by external ID"),
    "email": gettext_lazy("by email"),
    "phone": gettext_lazy("by phone"),
    "device": gettext_lazy("by device ID"),
    "app_instance": gettext_lazy("by app instance"),
    "mobile_push": gettext_lazy("by mobile push token"),
    "web_push": gettext_lazy("by web push token"),
    "telegram": gettext_lazy("by Telegram"),
    "cookie": gettext_lazy("by web cookie"),
}

RULES: Final[dict[str, Any]] = {
    "L1": gettext_lazy("The external ID decides."),
    "L2": gettext_lazy("A deleted contact has the external ID, so it came back."),
    "L3": gettext_lazy("The external ID came to this contact by a merge."),
    "L4": gettext_lazy("Nobody had the external ID; the one contact without one that matched got it."),
    "L5": gettext_lazy("Several contacts without an external ID matched; the one updated last got it."),
    "L6": gettext_lazy("All that matched have other external IDs, so the match does not count."),
    "L6a": gettext_lazy("The external ID of the only match was replaced, as asked."),
    "L7": gettext_lazy("The key decides; of several that share it, the contact updated last is meant."),
    "L8": gettext_lazy("Only a deleted contact matched, so it came back."),
    "L9": gettext_lazy("Nobody matched, so the contact was created."),
    "L10": gettext_lazy("Another contact has the external ID."),
    "L11": gettext_lazy("The external ID was free and was given to the named contact."),
    "L12": gettext_lazy("The named contact was deleted and came back."),
    "L13": gettext_lazy("The named contact was merged; its survivor answered."),
    "L15": gettext_lazy("Only a cookie is known: a visitor."),
    "T4": gettext_lazy("The device belonged to an anonymous contact, which was merged."),
    "T6": gettext_lazy("An anonymous contact became known."),
    "T7": gettext_lazy("The device is shared with somebody else, so this is a new contact."),
    "person": gettext_lazy("A person chose to merge them."),
}

ICONS: Final[dict[int, tuple[str, str]]] = {
    ChannelState.ACTIVE: ("check_circle", "good"),
    ChannelState.UNCONFIRMED: ("help", "dim"),
    ChannelState.UNSUBSCRIBED: ("unsubscribe", "warn"),
    ChannelState.BOUNCED: ("error", "bad"),
    ChannelState.BLACKLISTED: ("block", "bad"),
}
"""Channel state → (symbol, tone); the tones are classes of ``static/contacts/contacts.css``."""


class Refusal(NamedTuple):
    """What to say about one field, or about the whole form where ``column`` is empty."""

    column: str
    message: str | SafeString


def word(words: dict[Any, Any], key: Any) -> str:
    """The word for ``key``, or the key itself where there is none."""
    return str(words.get(key, key))


def link_contact(contact_id: int, name: str = "") -> SafeString:
    """A link to a contact's sheet."""
    url = reverse("admin:contacts_contact_change", args=[contact_id])
    return format_html('<a class="text-link underline" href="{}">{}</a>', url, name or contact_id)


def show_channel(value: str | None, state: int | None) -> str | SafeString:
    """An email or phone with the sign of its state."""
    if not value:
        return "—"
    if state is None:
        return value
    symbol, tone = ICONS[state]
    return format_html(
        '<span class="cf-channel">{}<span class="material-symbols-outlined cf-icon cf-{}" role="img"'
        ' aria-label="{label}" title="{label}">{}</span></span>',
        value,
        tone,
        symbol,
        label=ChannelState(state).label,
    )


def link_merge(left: int, right: int) -> SafeString:
    """A link to the page where the two stand side by side and can be merged."""
    url = f"{reverse('admin:contacts_merge_compare')}?{urlencode({'left': left, 'right': right})}"
    return format_html('<a class="text-link underline" href="{}">{}</a>', url, _("merge the two"))


def explain_refusal(error: CardfileError, *, contact_id: int | None = None) -> list[Refusal]:
    """What the sheet of ``contact_id`` (None where one is added) says about an error of the verbs, field by field."""
    if isinstance(error, InvalidRecord) and error.attributes.get("problems"):
        return [Refusal(problem.column, explain_problem(problem)) for problem in error.problems]
    if isinstance(error, ExternalIdTaken):
        return [Refusal("external_id", _explain_taken(error.other_id, contact_id))]
    if isinstance(error, ExternalIdConflict):
        text = _("The policy does not give an external ID to a contact that is found by email or phone: {contact}.")
        return [Refusal("external_id", _name(text, error.other_id))]
    if isinstance(error, RecordSkipped) and error.code == "already_exists":
        return [_explain_match(error)]
    return [Refusal(error.path, _(error.message))]


def explain_shared(problem: Problem, value: str, contact_id: int) -> Refusal:
    """An email or phone that the policy does not let two people with external IDs share."""
    key = primary_key_of(Kind[problem.column.upper()], value)
    others = Identifier.objects.filter(value=key[2], kind=key[0]).exclude(contact_id=contact_id)
    other_id = others.order_by("pk").values_list("contact_id", flat=True).first()
    return Refusal(problem.column, _explain_taken(other_id, contact_id))


def _explain_taken(other_id: int | None, contact_id: int | None) -> SafeString:
    """By whom, with the ways out."""
    if contact_id is None or other_id is None:
        return _name(_("Taken: {contact} has this value. Open that contact, or write another value."), other_id)
    text = _("Taken: {contact} has this value. Open that contact, {merge}, or write another value.")
    return _name(text, other_id, merge=link_merge(contact_id, other_id))


def explain_problem(problem: Problem) -> str:
    """One value that cannot be read."""
    return _(problem.message)


def _explain_match(error: CardfileError) -> Refusal:
    """A contact was to be added, and somebody has one of its values already."""
    column = str(error.outcome.matched_by)
    if column not in SYSTEM_LABELS:
        column = f"fields.{column}"
    text = _("Taken: {contact} has this value. Open that contact instead, or write another value.")
    return Refusal(column, _name(text, error.contact_id))


def _name(text: str, contact_id: int | None, **more: SafeString) -> SafeString:
    """``text`` with a link to the contact that stands in the way."""
    contact = Contact.objects.filter(pk=contact_id or 0).first()
    return format_html(text, contact=link_contact(contact.pk, str(contact)) if contact else contact_id, **more)
