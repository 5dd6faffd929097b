"""The verb: one form, one transaction.

1. resolve the contact; 2. put it into its groups; 3. note what it agrees to; 4. record the event, with the link in it;
5. queue the mail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings

from contacts import populations
from contacts.activity import note_events
from contacts.activity.categories import default_categories
from contacts.activity.consents import subscribe_contact
from contacts.identity import Outcome, Plan, Status, resolve
from contacts.identity.errors import error_of
from contacts.identity.types import SUBSCRIBE
from contacts.models import Contact, Event
from contacts.normalize import clean_email
from contacts.subscribing.confirm import Link, invite
from contacts.subscribing.jobs import send_confirmation
from contacts.subscribing.words import EmailStatus, status_of
from crm.errors import CardfileError

__all__ = ["FROM_API", "FROM_FORM", "LONGEST_FORM_TYPE", "Door", "Subscribed", "Wishes", "subscribe"]

LONGEST_FORM_TYPE: Final = 77
"""With the name of the event before it, it is a type of event."""
MAIL_AGAIN_AFTER: Final = timedelta(minutes=5)
"""A form that is sent over and over does not fill somebody's mailbox."""
LINK_PARAM: Final = "confirmationLink"
REFUSED: Final = frozenset({Status.FAILED, Status.SKIPPED})


class Door(NamedTuple):
    """Where a form came in: how its record is resolved, and the events that tell of a new and of a known contact."""

    plan: Plan
    source: str
    event_of_new: str
    event_of_known: str


FROM_API: Final = Door(SUBSCRIBE, "api", "subscribeFromApi", "subscribeUpdateFromApi")
FROM_FORM: Final = Door(
    replace(SUBSCRIBE, fill_blanks_only=True, source="form"), "form", "subscribeFromForm", "subscribeUpdateFromForm"
)
"""Anybody may send a form of ours with anybody's address, so it changes nothing that a contact has."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a form says beside the contact.

    ``groups`` are names or ids, ``categories`` keys of consents (none: the default ones), ``form_type`` its own name,
    ``basis`` what the consents stand on ('': that there was a form), ``told`` what else its event says.
    """

    groups: Sequence[str | int] = ()
    categories: Sequence[str] = ()
    form_type: str = ""
    basis: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


class Subscribed(NamedTuple):
    """``link`` only where the form named an email that is to be confirmed."""

    contact_id: int
    status: EmailStatus
    is_new: bool
    link: Link | None


def subscribe(
    record: Mapping[str, Any],
    wishes: Wishes,
    *,
    by: str,
    site: str,
    door: Door = FROM_API,
    at: datetime | None = None,
) -> Subscribed:
    """Raises what ``resolve_one`` raises, and what a group refuses with its place: ``groups[0]``.

    ``site`` is where people reach us: the link in the mail begins with it.
    """
    done: list[Subscribed] = []
    form = _Form(record, wishes, door, by, site, at or datetime.now(UTC))

    def within(outcomes: Sequence[Outcome]) -> None:
        done[:] = [_follow_up(outcome, form) for outcome in _taken(outcomes)]

    [outcome] = resolve([record], door.plan, by=by, at=form.at, within=within)
    if (error := error_of(outcome)) is not None:
        raise error
    return done[0]


def _taken(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.status not in REFUSED]


class _Form(NamedTuple):
    """A form that was sent: what, where, by whom, when."""

    record: Mapping[str, Any]
    wishes: Wishes
    door: Door
    by: str
    site: str
    at: datetime


def _follow_up(outcome: Outcome, form: _Form) -> Subscribed:
    contact = Contact.objects.get(pk=outcome.contact_id or 0)
    wishes, at = form.wishes, form.at
    _join(contact.pk, wishes.groups, by=form.by)
    categories = wishes.categories or default_categories()
    if categories:
        subscribe_contact(contact.pk, categories, basis=_basis(wishes), by=form.by, at=at)
    status, is_new = status_of(contact.email_state), outcome.status == Status.CREATED
    link = _link_for(contact, status, form)
    is_mailed = link is not None and settings.CONFIRMATION_MAIL and not _was_mailed_lately(contact, at)
    params, kind = _params(contact, status, wishes, link), _event_type(form, is_new=is_new)
    note_events([contact.pk], kind, key="", source=form.door.source, at=at, params=params)
    if link is not None and is_mailed:
        send_confirmation.defer(token=link.token, site=form.site)
    return Subscribed(contact.pk, status, is_new, link)


def _join(contact_id: int, groups: Sequence[str | int], *, by: str) -> None:
    for position, name in enumerate(groups):
        try:
            populations.current().add(name, [contact_id], by=by)
        except CardfileError as error:
            error.path = f"groups[{position}]"
            raise


def _basis(wishes: Wishes) -> str:
    return wishes.basis or (f"form {wishes.form_type}" if wishes.form_type else "subscribe")


def _link_for(contact: Contact, status: EmailStatus, form: _Form) -> Link | None:
    """Only who typed the address may be asked: a form with a phone alone does not mail to who unsubscribed."""
    if status != EmailStatus.NEED_CONFIRMATION or contact.email is None or not _names(form.record, contact.email):
        return None
    return invite(contact.pk, contact.email, site=form.site, at=form.at)


def _names(record: Mapping[str, Any], email: str) -> bool:
    given = record.get("email")
    texts = [text for text in (given if isinstance(given, list) else [given]) if text]
    return bool(texts) and clean_email(str(texts[0]).strip())[1] == clean_email(email)[1]


def _was_mailed_lately(contact: Contact, at: datetime) -> bool:
    """Since the email came into its state."""
    since = max(at - MAIL_AGAIN_AFTER, contact.email_state_at or at)
    events = Event.objects.filter(contact_id=contact.pk, occurred_at__gte=since, params__has_key=LINK_PARAM)
    return events.exists()


def _event_type(form: _Form, *, is_new: bool) -> str:
    name = form.door.event_of_new if is_new else form.door.event_of_known
    return f"{name}-{form.wishes.form_type}" if form.wishes.form_type else name


def _params(contact: Contact, status: EmailStatus, wishes: Wishes, link: Link | None) -> dict[str, Any]:
    told = {
        "emailStatus": status.value,
        "email": contact.email,
        "formType": wishes.form_type,
        "groups": list(wishes.groups),
        "subscriptions": list(wishes.categories),
        **wishes.told,
        LINK_PARAM: link and link.url,
        "expiresAt": link and link.expires_at.isoformat(),
    }
    return {name: value for name, value in told.items() if value}
