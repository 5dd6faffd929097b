"""The people of the tests, and what happened to them before a test begins.

Everything is prepared through the verbs of ``contacts.identity``, as a door would. A step takes the ``Stage``, which
knows everybody by name; steps happen one second after the other, so that *updated last* is plain to see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from contacts import identity
from contacts.activity import WEB_EVENT, NewEvent, NewOrder, record_events, record_orders
from contacts.identity import Mode, Outcome, Plan, PolicyRules, Status
from contacts.identity.types import API, IMPORT, MOBILE, SUBSCRIBE, WEB
from contacts.keys import Kind
from contacts.models import (
    ChannelState,
    Contact,
    CustomField,
    DuplicateCase,
    Identifier,
    JunkValue,
    Policy,
)

OLENA = "olena@example.com"
BOHDAN = "bohdan@example.com"
TARAS = "taras@example.com"
FAMILY = "family@example.com"
OLENAS_PHONE = "+380501112233"
BOHDANS_PHONE = "+380672223344"
TARAS_PHONE = "+380933334455"
HOME_PHONE = "+380445556677"

BY = "user:1"


class IdOf(NamedTuple):
    """Stands in a record for the id that somebody has."""

    name: str


@dataclass
class Stage:
    """Who is there, by name; and the clock."""

    ids: dict[str, int] = field(default_factory=dict)
    merges: dict[str, int] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def name_of(self, contact_id: int | None) -> str | None:
        return next((name for name, known in self.ids.items() if known == contact_id), None)

    def fill(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record with everybody's id in the place of their name."""
        return {key: self.ids[value.name] if isinstance(value, IdOf) else value for key, value in record.items()}

    def resolve(self, record: Mapping[str, Any], plan: Plan) -> Outcome:
        [outcome] = identity.resolve([self.fill(record)], plan, by=BY, at=self.tick())
        assert outcome.status not in (Status.FAILED, Status.SKIPPED), outcome
        return outcome


Step = Callable[[Stage], None]


def have(name: str, record: Mapping[str, Any], plan: Plan = API) -> Step:
    """There is a contact like this; ``record`` finds nobody yet."""

    def step(stage: Stage) -> None:
        outcome = stage.resolve(record, plan)
        assert outcome.status == Status.CREATED, outcome
        assert outcome.contact_id is not None
        stage.ids[name] = outcome.contact_id

    return step


def imported(name: str, record: Mapping[str, Any]) -> Step:
    """A contact that came with a file, and so is never anonymous."""
    return have(name, record, IMPORT)


def subscribed(name: str, record: Mapping[str, Any]) -> Step:
    """A contact that came by a subscription form; nobody has opened the link yet."""
    return have(name, record, SUBSCRIBE)


def anonymous(name: str, *tokens: Mapping[str, Any], **fields: Any) -> Step:
    """Somebody of whom nothing but a device, token or cookie is known."""
    return have(name, {"identifiers": list(tokens), **fields}, MOBILE)


def visitor(name: str, cookie_value: str) -> Step:
    """A cookie has been seen; there is a number and no contact."""

    def step(stage: Stage) -> None:
        outcome = stage.resolve({"identifiers": [cookie(cookie_value)]}, WEB)
        assert outcome.status == Status.VISITOR
        assert outcome.contact_id is not None
        stage.ids[name] = outcome.contact_id

    return step


def browsed(name: str, key: str = "page", record: Mapping[str, Any] | None = None) -> Step:
    """An event was recorded."""

    def step(stage: Stage) -> None:
        event = NewEvent("pageView", record or {"id": stage.ids[name]}, key)
        [outcome] = record_events([event], by=BY, at=stage.tick(), plan=WEB_EVENT)
        assert outcome.contact_id == stage.ids[name]

    return step


def browsed_by_cookie(name: str, cookie_value: str) -> Step:
    return browsed(name, record={"identifiers": [cookie(cookie_value)]})


def ordered(name: str) -> Step:
    """An order was recorded."""

    def step(stage: Stage) -> None:
        moment = stage.tick()
        order = NewOrder(f"O-{name}", {"id": stage.ids[name]}, "DELIVERED", 10, "EUR", moment)
        [outcome] = record_orders([order], by=BY, at=moment)
        assert outcome.contact_id == stage.ids[name]

    return step


def dismissed() -> Step:
    """A person said of every open case that these are not the same."""

    def step(stage: Stage) -> None:
        for case in DuplicateCase.objects.filter(status="open"):
            identity.dismiss_case(case.pk, by=BY, at=stage.tick())

    return step


def change(name: str, record: Mapping[str, Any], plan: Plan = API) -> Step:
    """A contact was changed by its id, which makes it the one updated last."""

    def step(stage: Stage) -> None:
        stage.resolve({"id": stage.ids[name], **record}, plan)

    return step


def seen(record: Mapping[str, Any], plan: Plan = MOBILE) -> Step:
    """A contact was active, which changes nothing."""

    def step(stage: Stage) -> None:
        assert stage.resolve(record, plan).status == Status.UNCHANGED

    return step


def deleted(name: str) -> Step:
    def step(stage: Stage) -> None:
        [outcome] = identity.delete_contacts([stage.ids[name]], by=BY, at=stage.tick())
        assert outcome.status == Status.UPDATED

    return step


def erased(name: str) -> Step:
    def step(stage: Stage) -> None:
        identity.erase_contacts([stage.ids[name]], by=BY, at=stage.tick())

    return step


def merged(survivor: str, loser: str) -> Step:
    """A person merged the second into the first; the merge goes by the loser's name."""

    def step(stage: Stage) -> None:
        merge = identity.merge_contacts(stage.ids[survivor], stage.ids[loser], by=BY, at=stage.tick())
        stage.merges[loser] = merge

    return step


def suppressed(value: str, state: ChannelState) -> Step:
    def step(stage: Stage) -> None:
        identity.suppress_addresses([value], state, by=BY, at=stage.tick())

    return step


def crowd(count: int, record: Mapping[str, Any]) -> Step:
    """So many contacts, each with an external ID of its own, that share what ``record`` carries; named crowd-0 on."""

    def step(stage: Stage) -> None:
        records = [{"external_id": f"crowd-{number}", **record} for number in range(count)]
        for number, outcome in enumerate(identity.resolve(records, API, by=BY, at=stage.tick())):
            assert outcome.status == Status.CREATED
            assert outcome.contact_id is not None
            stage.ids[f"crowd-{number}"] = outcome.contact_id

    return step


# Tokens


def token(kind: str, value: str, app: str = "") -> dict[str, Any]:
    return {"kind": kind, "app": app, "value": value}


def device(value: str = "device-1", app: str = "") -> dict[str, Any]:
    return token("device", value, app)


def cookie(value: str = "cookie-1") -> dict[str, Any]:
    return token("cookie", value)


def described(identifier: Mapping[str, Any], **details: Any) -> dict[str, Any]:
    """The same identifier with what is known of the device."""
    return {**identifier, "details": details}


def push(value: str = "push-1", app: str = "shop") -> dict[str, Any]:
    return token("mobile_push", value, app)


# The account


CUSTOM_FIELDS = (
    {"key": "loyalty", "label": "Loyalty card", "type": "text", "can_be_key": True},
    {"key": "badge", "label": "Badge number", "type": "number", "can_be_key": True},
    {"key": "tier", "label": "Tier", "type": "text", "can_be_key": False},
)


def set_up_account(policy: PolicyRules, junk_values: tuple[str, ...] = (), junk_patterns: tuple[str, ...] = ()) -> None:
    """The policy, the account's own junk, and three custom fields, two of which can be keys."""
    Policy(**asdict(policy)).save()
    for definition in CUSTOM_FIELDS:
        CustomField(**definition).save()
    for value in junk_values:
        JunkValue(value=value).save()
    for pattern in junk_patterns:
        JunkValue(value=pattern, is_pattern=True).save()


def tokens_of(contact_id: int) -> set[str]:
    """All identifiers of a contact as ``kind:value``, with the app between them where there is one; orders are none."""
    rows = Identifier.objects.filter(contact_id=contact_id).exclude(kind=Kind.ORDER)
    keys = rows.values_list("kind", "app", "value")
    return {":".join(filter(None, (Kind(kind).slug, app, value))) for kind, app, value in keys}


def count_active() -> int:
    return Contact.objects.filter(state=1).count()


def with_options(plan: Plan, **options: Any) -> Plan:
    """The plan with what a caller chose."""
    if "mode" in options:
        options["mode"] = Mode(options["mode"])
    return replace(plan, **options)
