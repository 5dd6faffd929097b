"""What can be done to many contacts: each an object with its choices, that does a batch and takes it back.

All of it goes through the verbs that single contacts have. A batch is done within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Final, Protocol

from contacts import populations
from contacts.actions.errors import ActionRefused, FieldGone, SegmentGone
from contacts.actions.outcomes import Done, Refusal, sort_out
from contacts.actions.reverting import take_back_journal
from contacts.columns import Column
from contacts.identity import (
    Mode,
    Plan,
    delete_contacts,
    resolve,
    restore_contacts,
    suppress_addresses,
)
from contacts.identity.settings import current_settings
from contacts.models import ActionVerb, ChannelState, Contact, ContactAction
from contacts.normalize import normalize

__all__ = [
    "Delete",
    "Edit",
    "Join",
    "Leave",
    "Restore",
    "Unsubscribe",
    "Verb",
    "choices_of",
    "read_verb",
    "settable_columns",
]

EDIT: Final = Plan(key="id", mode=Mode.UPDATE, bulk=True, source="sheet", empty_values_clear=True, may_restore=False)
"""Deleted contacts stay deleted, and who is unknown is not made."""
NEVER_FOR_MANY: Final = frozenset({"external_id", "email", "phone", "contact_key"})
"""They say who somebody is, so that two contacts never have the same for a good reason."""
LONGEST_REASON: Final = 100


class Verb(Protocol):
    """``name`` is that of ``ActionVerb``."""

    name: ClassVar[ActionVerb]

    def check(self) -> None:
        """Raises ``ActionRefused`` where it cannot be done to anybody."""
        ...

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        """Do it to each of a batch."""
        ...

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        """Take back what ``did`` (``action:7``) did to a batch, where nobody changed it since."""
        ...


def read_verb(action: ContactAction) -> Verb:
    """The verb of an action, with its choices."""
    return VERBS[ActionVerb(action.verb)](**action.choices)


# Segments


@dataclass(frozen=True, slots=True)
class Join:
    """Put into a static segment; who is in it already stays as it is."""

    name: ClassVar = ActionVerb.JOIN
    population: int

    def check(self) -> None:
        check_listed(self.population)

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        check_listed(self.population)
        good, bad = sort_out(ids, active_only=True)
        joined = populations.current().join(self.population, good, by=by)
        return Done(len(joined), len(good) - len(joined), bad)

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        """Whom somebody else put in since stays in: the place is theirs."""
        gone = populations.current().take_back(self.population, ids, by=did)
        return Done(len(gone), len(ids) - len(gone))


@dataclass(frozen=True, slots=True)
class Leave:
    """Take out of a static segment."""

    name: ClassVar = ActionVerb.LEAVE
    population: int

    def check(self) -> None:
        check_listed(self.population)

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        check_listed(self.population)
        good, bad = sort_out(ids, active_only=False)
        left = populations.current().leave(self.population, good, by=by)
        return Done(len(left), len(good) - len(left), bad, effects=left)

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        back = populations.current().put_back(self.population, effects or [])
        return Done(len(back), len(ids) - len(back))


def check_listed(population: int) -> None:
    if population not in {number for number, _ in populations.current().listed()}:
        raise SegmentGone(path="population")


# Fields


@dataclass(frozen=True, slots=True)
class Edit:
    """Write one value into a field, or empty it; ``only_blank``: where nothing stands yet."""

    name: ClassVar = ActionVerb.EDIT
    column: str
    value: Any = ""
    only_blank: bool = False

    def check(self) -> None:
        if self.column not in {column.key for column in settable_columns()}:
            raise FieldGone(path="column")
        record = normalize({"id": 1, self.column: self.value}, current_settings().schema)
        for problem in record.problems:
            raise FieldGone(problem.message, path="value")

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        self.check()
        good, bad = sort_out(ids, active_only=True)
        outcomes = resolve([{"id": pk, self.column: self.value} for pk in good], self.plan, by=by)
        for pk, outcome in zip(good, outcomes, strict=True):
            outcome.ref = pk
        return Done(refused=bad).take(outcomes)

    @property
    def plan(self) -> Plan:
        return replace(EDIT, fill_blanks_only=self.only_blank)

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        return take_back_journal(ids, did=did, by=by)


def settable_columns() -> list[Column]:
    """Fields that many contacts may get the same value of: none by which somebody is found."""
    columns = current_settings().schema.columns.values()
    return [column for column in columns if column.write and not column.may_be_key and column.key not in NEVER_FOR_MANY]


# Channels


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Unsubscribe the email or the phone. The state belongs to the address: whoever shares it is unsubscribed too."""

    name: ClassVar = ActionVerb.UNSUBSCRIBE
    channel: str
    reason: str = ""

    def check(self) -> None:
        if self.channel not in ("email", "phone"):
            raise ActionRefused(path="channel")

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        good, bad = sort_out(ids, active_only=True)
        done = Done(refused=bad)
        rows = Contact.objects.filter(pk__in=good).values_list("pk", self.channel, f"{self.channel}_state")
        wanted: dict[int, str] = {}
        for pk, value, state in rows.order_by("pk"):
            if not value:
                done.refused.append(Refusal(pk, "no_address", self.lacking))
            elif state is not None and state >= ChannelState.UNSUBSCRIBED:
                done.unchanged += 1
            else:
                wanted[pk] = value
        unreadable = set(
            suppress_addresses(wanted.values(), ChannelState.UNSUBSCRIBED, by=by, reason=self.reason[:LONGEST_REASON])
        )
        done.refused += [Refusal(pk, "invalid", UNREADABLE) for pk, value in wanted.items() if value in unreadable]
        done.changed = sum(value not in unreadable for value in wanted.values())
        return done

    @property
    def lacking(self) -> str:
        return NO_EMAIL if self.channel == "email" else NO_PHONE

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        return take_back_journal(ids, did=did, by=by)


NO_EMAIL: Final = "The contact has no email."
NO_PHONE: Final = "The contact has no phone."
UNREADABLE: Final = "The address cannot be read. Correct it on the contact first."


# Life


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete, so that it can be restored."""

    name: ClassVar = ActionVerb.DELETE

    def check(self) -> None:
        return

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        good, bad = sort_out(ids, active_only=False)
        return Done(refused=bad).take(delete_contacts(good, by=by))

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        return take_back_journal(ids, did=did, by=by)


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring deleted contacts back."""

    name: ClassVar = ActionVerb.RESTORE

    def check(self) -> None:
        return

    def act(self, ids: Sequence[int], *, by: str) -> Done:
        good, bad = sort_out(ids, active_only=False)
        return Done(refused=bad).take(restore_contacts(good, by=by))

    def take_back(self, ids: Sequence[int], effects: Any, *, did: str, by: str) -> Done:
        return take_back_journal(ids, did=did, by=by)


VERBS: Final[dict[ActionVerb, Any]] = {verb.name: verb for verb in (Join, Leave, Edit, Unsubscribe, Delete, Restore)}


def choices_of(verb: Any) -> dict[str, Any]:
    """What a verb is kept as."""
    return asdict(verb)
