"""What is suggested for a case (``suggestions``), read from its sheets; the level is kept, to filter by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any, Final, NamedTuple

from django.db import connection

from contacts.identity.load import array_of
from contacts.identity.names import read_birthday, read_name
from contacts.identity.settings import current_settings
from contacts.identity.suggestions import TOO_MANY, Advice, Facts, advise
from contacts.keys import PERMANENT_KINDS, Kind
from contacts.models import CaseStatus, Contact, ContactState, DuplicateCase, Identifier, Policy

__all__ = ["Party", "advise_case", "assess_cases", "assess_new_cases", "birthday_key", "read_parties"]

BATCH: Final = 500
LIVING: Final = (ContactState.ACTIVE, ContactState.DELETED)
_KEEP: Final = """
UPDATE contacts_duplicatecase c SET suggestion = u.suggestion
FROM unnest(%s::bigint[], %s::smallint[]) AS u (id, suggestion)
WHERE c.id = u.id AND c.suggestion IS DISTINCT FROM u.suggestion
"""


class Party(NamedTuple):
    """One contact of a case: its row, and what is compared of it."""

    contact: Contact
    facts: Facts


Held = Mapping[int, Mapping[int, Collection[str]]]
"""By contact and kind the values of identifiers."""


def birthday_key() -> str:
    """The key of the custom field that holds the birthday; empty where there is none."""
    policy = Policy.objects.select_related("birthday_field").order_by("pk").first()
    field = policy.birthday_field if policy is not None else None
    return field.key if field is not None else ""


def read_parties(ids: Collection[int], *, birthday: str | None = None, held: Held | None = None) -> dict[int, Party]:
    """The active and deleted contacts among ``ids``; one statement, and one each for the birthday's field and the
    permanent identifiers unless they are given."""
    found = list(Contact.objects.filter(pk__in=set(ids), state__in=LIVING)) if ids else []
    key = birthday_key() if birthday is None and found else birthday or ""
    known = _read_held([contact.pk for contact in found]) if held is None else held
    today = datetime.now(UTC).date()
    return {
        contact.pk: Party(contact, _read_facts(contact, known.get(contact.pk, {}), key, today)) for contact in found
    }


def _read_held(ids: Collection[int]) -> Held:
    """The permanent ones, further values among them."""
    held: dict[int, dict[int, set[str]]] = {}
    rows = Identifier.objects.filter(contact_id__in=ids, kind__in=sorted(PERMANENT_KINDS))
    for contact_id, kind, value in rows.values_list("contact_id", "kind", "value") if ids else ():
        held.setdefault(contact_id, {}).setdefault(kind, set()).add(value)
    return held


def _read_facts(contact: Contact, held: Mapping[int, Collection[str]], birthday: str, today: date) -> Facts:
    is_junk = current_settings().schema.is_junk
    names = [name for name in (contact.first_name, contact.last_name) if name and not is_junk(name)]
    return Facts(
        id=contact.pk,
        is_active=contact.state == ContactState.ACTIVE,
        created_at=contact.created_at,
        external_ids=frozenset(held.get(Kind.EXTERNAL_ID, ())),
        emails=frozenset(held.get(Kind.EMAIL, ())),
        phones=frozenset(held.get(Kind.PHONE, ())),
        name=read_name(*names),
        birthday=read_birthday(contact.attributes.get(birthday), today) if birthday else None,
        order_count=contact.order_count,
    )


def advise_case(case: DuplicateCase, parties: Mapping[int, Party]) -> Advice:
    """What is suggested for a case whose contacts were read."""
    return advise([parties[pk].facts for pk in case.contact_ids if pk in parties])


def assess_cases(cases: Iterable[DuplicateCase], *, birthday: str | None = None) -> int:
    """Keep what is suggested for these cases; gives how many they are."""
    listed = list(cases)
    if not listed:
        return 0
    ids = {pk for case in listed for pk in case.contact_ids[: TOO_MANY + 1]}
    parties = read_parties(ids, birthday=birthday)
    levels = [int(advise_case(case, parties).level) for case in listed]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [array_of(case.pk for case in listed), array_of(levels)])
    return len(listed)


def assess_new_cases(*, seconds: float, birthday: str | None = None) -> int:
    """Those that nobody judged yet, the newest first, for so long at most; gives how many were judged."""
    end, count = monotonic() + seconds, 0
    new: Any = DuplicateCase.objects.filter(status=CaseStatus.OPEN, suggestion__isnull=True)
    while monotonic() < end:
        found = assess_cases(new.order_by("-opened_at", "-pk")[:BATCH], birthday=birthday)
        count += found
        if found < BATCH:
            break
    return count
