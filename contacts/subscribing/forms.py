"""The forms that the company lays out itself: what they ask, and what becomes of one that was sent.

Whoever sends one is nobody we know: it changes nothing that a contact has, and its answer is the same whether the
address was known, unsubscribed or blocked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from contacts import populations
from contacts.columns import Column
from contacts.identity.errors import InvalidRecord
from contacts.identity.settings import current_settings, fresh_settings
from contacts.models import SubscriptionForm
from contacts.normalize import normalize
from contacts.subscribing.errors import AnswerRefused
from contacts.subscribing.subscribe import FROM_FORM, Subscribed, Wishes, subscribe
from crm.errors import Refused

__all__ = ["CONSENT", "OFFERED", "Answers", "Asked", "list_offered", "name_column", "read_asked", "submit_form"]

OFFERED: Final = ("email", "phone", "first_name", "last_name", "town", "region", "address", "postcode")
"""What can be asked beside custom fields. But for email and phone nothing that finds a contact: who guessed a key would
get hold of somebody's contact. Nor a moment, which would need a time zone."""
CHANNELS: Final = frozenset({"email", "phone"})
CONSENT: Final = "consent"
COOKIE: Final = re.compile(r"[\w.-]{8,100}", re.ASCII)
SEEN_AGAIN_AFTER: Final = timedelta(minutes=1)


class Asked(NamedTuple):
    """One field of a form."""

    column: Column
    label: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody filled in, by column; ``visitor`` is the cookie of web tracking, where a script knew it."""

    values: Mapping[str, str | Sequence[str]]
    agrees: bool = False
    visitor: str = ""
    language: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)


def list_offered() -> list[Column]:
    """What a form can ask, of this account."""
    columns = fresh_settings().schema.columns
    custom = [
        column
        for column in columns.values()
        if column.is_custom and not column.may_be_key and column.type != "datetime"
    ]
    return [*(columns[key] for key in OFFERED), *sorted(custom, key=lambda column: column.label)]


def read_asked(form: SubscriptionForm) -> list[Asked]:
    """What this form asks; a custom field that is gone, or became a key, is asked no more."""
    offered = {column.key: column for column in list_offered()}
    return [
        Asked(column, entry["label"] or name_column(column), entry["is_required"])
        for entry in form.fields
        if (column := offered.get(entry["column"])) is not None
    ]


def name_column(column: Column) -> str:
    return column.label if column.is_custom else _(column.label)


def submit_form(form: SubscriptionForm, answers: Answers, *, site: str, at: datetime | None = None) -> Subscribed:
    """Subscribe whoever filled it in. ``site`` is where people reach us.

    Raises ``Refused`` with ``errors``, each with the column as its ``path``, '' for the form as a whole.
    """
    record = _read_record(form, answers)
    moment = at or datetime.now(UTC)
    try:
        done = subscribe(record, _wishes_of(form, answers), by=f"form:{form.pk}", site=site, door=FROM_FORM, at=moment)
    except InvalidRecord as error:
        problems = [(problem.column, problem.message) for problem in error.problems]
        raise Refused(_errors_of(problems or [(error.path, error.message)])) from error
    _note_sent(form, moment)
    return done


def _read_record(form: SubscriptionForm, answers: Answers) -> dict[str, Any]:
    asked = read_asked(form)
    record: dict[str, Any] = {}
    for one in asked:
        value = answers.values.get(one.column.key, "")
        if not isinstance(value, str) or value.strip():
            record[one.column.key] = value
    troubles = [*_find_missing(form, asked, record, answers), *_find_unreadable(record)]
    if troubles:
        raise Refused(_errors_of(troubles))
    if answers.language:
        record.setdefault("language_code", answers.language)
    if COOKIE.fullmatch(answers.visitor):
        record["identifiers"] = [{"kind": "cookie", "value": answers.visitor}]
    return record


def _find_missing(
    form: SubscriptionForm, asked: Iterable[Asked], record: Mapping[str, Any], answers: Answers
) -> Iterator[tuple[str, str]]:
    for one in asked:
        if one.is_required and not record.get(one.column.key):
            yield one.column.key, _("Fill this in.")
    if not CHANNELS & record.keys() and not any(one.is_required and one.column.key in CHANNELS for one in asked):
        yield "", _("Write your email or your phone number, so that we can reach you.")
    if form.consent_text and not answers.agrees:
        yield CONSENT, _("Tick this box to subscribe.")


def _find_unreadable(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What cannot be read, and placeholders in the place of an address."""
    read = normalize(record, current_settings().schema)
    for problem in read.problems:
        yield problem.column, _(problem.message)
    for warning in read.warnings:
        if warning.column in CHANNELS:
            yield warning.column, _("Nobody can be reached there. Write your own.")


def _errors_of(troubles: Iterable[tuple[str, str]]) -> list[Any]:
    """One a field: the first."""
    found: dict[str, str] = {}
    for column, message in troubles:
        found.setdefault(column, message)
    return [AnswerRefused(message, path=column) for column, message in found.items()]


def _wishes_of(form: SubscriptionForm, answers: Answers) -> Wishes:
    """Segments that are gone, or that nobody can be put into any more, are left out: the form goes on."""
    wanted = set(form.groups)
    groups = [(pk, name) for pk, name in populations.current().listed() if pk in wanted] if wanted else []
    said = _("Form “{name}”").format(name=form.name)
    return Wishes(
        groups=[pk for pk, _name in groups],
        categories=form.categories,
        basis=f"{said}: {form.consent_text}" if form.consent_text else said,
        told={
            "form": form.name,
            "groups": [name for _pk, name in groups],
            "agreedTo": form.consent_text,
            **answers.told,
        },
    )


def _note_sent(form: SubscriptionForm, moment: datetime) -> None:
    """Once a minute is enough, or every sender would wait for the one before."""
    long_ago = Q(last_sent_at=None) | Q(last_sent_at__lt=moment - SEEN_AGAIN_AFTER)
    SubscriptionForm.objects.filter(long_ago, pk=form.pk).update(last_sent_at=moment)
