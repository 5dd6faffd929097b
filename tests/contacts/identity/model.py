"""The rules of identity in their plainest form: contacts in a dict, identifiers in a set, every look-up a scan.

Written from the rules alone, to be played against the real thing (``test_state_machine.py``). Every branch names its
rule; where the rules are silent, a comment that begins with *Silent* says what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contacts.identity import Mode, Plan, PolicyRules

JUNK = "unknown"
CUSTOM_KEYS = {"contact_key": "contact_key", "fields.card": "card"}
"""Columns whose values are identifiers too, with the name that the key goes by."""
CHANNELS = ("email", "phone")
PERMANENT = ("external_id", "email", "phone")
LASTING = (*PERMANENT, "custom")
LOOKUP_ORDER = (*LASTING, "device", "app_instance", "mobile_push", "web_push", "telegram", "cookie")
KINDS_OF_KEY = {
    "default": LOOKUP_ORDER,
    "external_id": ("external_id",),
    "email": ("email",),
    "phone": ("phone",),
    "email_or_phone": ("phone", "email"),
    "id": (),
    "push": ("mobile_push",),
}
SHARED = ("email", "phone", "custom")
ACTIVE, DELETED, MERGED, ERASED = "active", "deleted", "merged", "erased"
UNCONFIRMED, UNSUBSCRIBED = 2, 3
BLACKLISTED = 5


class Key(NamedTuple):
    kind: str
    app: str
    value: str


class Refused(Exception):
    """The record, or the request, ends here and nothing of it is written."""

    def __init__(self, status: str, code: str, contact_id: int | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.contact_id = contact_id


@dataclass
class Card:
    """One contact."""

    id: int
    state: str = ACTIVE
    merged_into: int | None = None
    was: str = ACTIVE
    updated_at: tuple[int, int] = (0, 0)
    columns: dict[str, Any] = field(default_factory=dict)
    deliberate: bool = False

    def __getitem__(self, column: str) -> Any:
        return self.columns.get(column)


@dataclass
class Case:
    """Active contacts that share a value."""

    ids: set[int]
    dismissed: set[int] = field(default_factory=set)
    status: str = "open"
    refused: bool = False


@dataclass(eq=False)
class Merge:
    """What a merge did, so that it can be taken back."""

    survivor: int
    loser: int
    filled: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    moved: list[Key] = field(default_factory=list)
    dropped: list[Key] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    tombstones: list[int] = field(default_factory=list)
    made_deliberate: bool = False
    cases: dict[tuple[str, str], tuple[set[int], str, set[int], str]] = field(default_factory=dict)
    gone: bool = False
    undone: bool = False


class Wish:
    """What one record carries."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.id = raw.get("id")
        self.values: dict[str, str] = {}
        self.cleared: list[str] = []
        self.keys: list[Key] = []
        for column, value in raw.items():
            if column in ("id", "identifiers"):
                continue
            if value in ("", None):
                self.cleared.append(column)
            elif value != JUNK:
                self.values[column] = value
                self.note_key(column, value)
            elif column not in PERMANENT and column != "contact_key":
                self.values[column] = value  # junk is no identifier; a custom field keeps it as data
        for item in raw.get("identifiers", ()):
            self.keys.append(Key(item["kind"], "", item["value"]))
        self.keys.sort(key=lambda key: (LOOKUP_ORDER.index(key.kind), key))

    def note_key(self, column: str, value: str) -> None:
        if column in PERMANENT:
            self.keys.append(key_of(column, value))
        elif column in CUSTOM_KEYS:
            self.keys.append(Key("custom", CUSTOM_KEYS[column], value))

    def __getitem__(self, column: str) -> str | None:
        return self.values.get(column)

    def key(self, kind: str) -> Key | None:
        return next((key for key in self.keys if key.kind == kind), None)

    def keys_for(self, chosen: str) -> list[Key]:
        """The carried keys that the chosen key looks at, in its order."""
        if chosen in KINDS_OF_KEY:
            return [key for kind in KINDS_OF_KEY[chosen] for key in self.keys if key.kind == kind]
        return [key for key in self.keys if key.kind == "custom" and key.app == chosen]


def key_of(kind: str, value: str) -> Key:
    return Key(kind, "", value.lower() if kind == "email" else value)


class Cards:
    """Every contact, and what the rules make of a record, a merge, a deletion."""

    def __init__(self) -> None:
        self.cards: dict[int, Card] = {}
        self.rows: set[tuple[Key, int]] = set()
        self.suppressed: dict[str, int] = {}
        self.cases: dict[tuple[str, str], Case] = {}
        self.merges: list[Merge] = []
        self.events: dict[int, int] = {}
        self.policy = PolicyRules()
        self.now = 0
        self.touched: set[int] = set()
        self.matched_by = ""

    # Looking at things

    def owners(self, key: Key) -> list[Card]:
        """Contacts that have an identifier, the one updated last first (L7)."""
        found = [self.cards[owner] for row, owner in self.rows if row == key and owner in self.cards]
        return sorted(found, key=lambda card: (card.updated_at, card.id), reverse=True)

    def visitor(self, key: Key) -> int | None:
        return next((owner for row, owner in self.rows if row == key and owner not in self.cards), None)

    def held(self, card: Card) -> set[Key]:
        return {key for key, owner in self.rows if owner == card.id}

    def follow(self, contact_id: int) -> Card | None:
        card = self.cards.get(contact_id)
        return self.cards[card.merged_into] if card and card.merged_into else card

    def is_anonymous(self, card: Card) -> bool:
        return not card.deliberate and not any(key.kind in LASTING for key in self.held(card))

    def sharing(self, card: Card, key: Key) -> list[Card]:
        return [other for other in self.owners(key) if other.state == ACTIVE and other.id != card.id]

    # Changing things

    def write(self, card: Card, column: str, value: Any) -> bool:
        if card[column] == value:
            return False
        card.columns[column] = value
        if value is None:
            del card.columns[column]
        self.touch(card)
        return True

    def touch(self, card: Card) -> None:
        card.updated_at = (self.now, 0)
        self.touched.add(card.id)

    def attach(self, card: Card, key: Key) -> None:
        if (key, card.id) not in self.rows:
            self.rows.add((key, card.id))
            self.touch(card)

    def let_go(self, card: Card, key: Key) -> None:
        if (key, card.id) in self.rows:
            self.rows.remove((key, card.id))
            self.touch(card)

    def open_case(self, key: Key, ids: set[int], *, refused: bool = False) -> None:
        """One case a value; contacts that were called *not the same* do not open it again (T13)."""
        case = self.cases.setdefault((key.kind, key.value), Case(set()))
        if ids <= case.ids and (case.status == "open" or ids <= case.dismissed):
            return
        case.ids |= ids
        case.refused = refused
        if not case.ids <= case.dismissed:
            case.status = "open"

    def dismiss(self, value: tuple[str, str]) -> None:
        case = self.cases[value]
        case.dismissed |= case.ids
        case.status = "dismissed"

    def note_shared(self, card: Card, key: Key) -> None:
        others = self.sharing(card, key)
        if others and card.state == ACTIVE:
            self.open_case(key, {card.id, *(other.id for other in others)})

    def note_all_shared(self, card: Card) -> None:
        for key in self.held(card):
            if key.kind in CHANNELS:
                self.note_shared(card, key)

    # Records

    def resolve(self, raw: Mapping[str, Any], plan: Plan, fresh: Callable[[], int]) -> tuple[str, int | None, str]:
        """(status, contact id, code) of one record; ``fresh`` gives the id of a new contact or visitor."""
        wish = Wish(raw)
        self.touched, self.matched_by = set(), ""
        try:
            return self.decide(wish, plan, fresh)
        except Refused as refused:
            return refused.status, refused.contact_id, refused.code

    def decide(self, wish: Wish, plan: Plan, fresh: Callable[[], int]) -> tuple[str, int | None, str]:
        if wish.id is not None:
            card: Card | None = self.named(wish)
        else:
            self.limit_tracking(wish, plan)
            self.check_usable(wish, plan)
            card = self.find(wish, plan)
        if card is None:
            return self.unknown(wish, plan, fresh)
        if plan.mode == Mode.CREATE:
            raise Refused("skipped", "already_exists", card.id)  # L9
        restored = card.state == DELETED
        if restored:
            if not plan.may_restore:
                return "unchanged", card.id, ""  # L8: recorded on the deleted contact, which takes over nothing
            self.restore_card(card)
        self.take_over(card, wish, plan, created=False)
        status = "restored" if restored else "updated" if card.id in self.touched else "unchanged"
        return status, card.id, ""

    def named(self, wish: Wish) -> Card:
        """The caller names one contact (L10–L13)."""
        assert wish.id is not None
        card = self.follow(wish.id)
        if card is None or card.state == ERASED:
            raise Refused("failed", "contact_not_found")  # L12, L13
        external_id = wish.key("external_id")
        if external_id and any(owner.id != card.id for owner in self.owners(external_id)):
            raise Refused("failed", "external_id_taken", card.id)  # L10
        return card

    def check_usable(self, wish: Wish, plan: Plan) -> None:
        """L16: a batch needs the chosen key or an external ID, a single call anything to go by."""
        if plan.bulk:
            if not wish.keys_for(plan.key) and not wish.key("external_id"):
                raise Refused("failed", "key_missing")
        elif not wish.keys and not plan.person:
            raise Refused("failed", "identifier_missing")

    def limit_tracking(self, wish: Wish, plan: Plan) -> None:
        """Policy: tracking may use a known external ID, an unknown one is ignored."""
        key = wish.key("external_id")
        if key and plan.tracking and not self.policy.tracking_may_set_external_id and not self.owners(key):
            wish.keys.remove(key)
            del wish.values["external_id"]

    def find(self, wish: Wish, plan: Plan) -> Card | None:
        external_id = wish.key("external_id")
        if external_id and (owners := self.owners(external_id)):
            if plan.may_restore:
                self.check_restorable(owners[0], plan)
            return owners[0]  # L1, L2, L3
        keys = self.keys_to_try(wish, plan)
        lasting = [key for key in keys if key.kind in LASTING]
        return (
            self.find_in_state(ACTIVE, lasting, wish, plan)
            or (plan.may_restore and self.find_in_state(DELETED, lasting, wish, plan))  # L8
            or self.find_by_changeable([key for key in keys if key not in lasting], wish, plan)
        )

    def find_in_state(self, state: str, keys: list[Key], wish: Wish, plan: Plan) -> Card | None:
        for key in keys:
            found = self.choose(wish, plan, key, [card for card in self.owners(key) if card.state == state])
            if found:
                self.check_restorable(found, plan)
                self.matched_by = key.kind
                return found
        return None

    def find_by_changeable(self, keys: list[Key], wish: Wish, plan: Plan) -> Card | None:
        """L7, T6; never a deleted contact (L8), nor an anonymous one where activity creates whom it names (L17, T4)."""
        creates = plan.activity and plan.may_create and any(key.kind in PERMANENT for key in wish.keys)
        for key in keys:
            for card in self.owners(key):
                is_passed_over = creates and self.is_anonymous(card)
                if card.state == ACTIVE and not is_passed_over and not self.is_someone_else(card, wish):
                    return card
        return None

    def keys_to_try(self, wish: Wish, plan: Plan) -> list[Key]:
        """The chosen key (L7); with an unknown external ID all others after it (L4, L6).

        A single record that has no value for the chosen key is looked up in the default order (L7: "else"); one that
        has a value which finds nobody is not, or T9 would say what becomes of a chosen field found by another.
        """
        chosen = wish.keys_for(plan.key)
        if wish["external_id"] or (not chosen and not plan.bulk):
            chosen += [key for key in wish.keys if key not in chosen]
        return [key for key in chosen if key.kind != "external_id"]

    def choose(self, wish: Wish, plan: Plan, key: Key, matches: list[Card]) -> Card | None:
        if not wish["external_id"]:
            return matches[0] if matches else None  # L7
        free = [card for card in matches if not card["external_id"]]
        if free:
            if not self.policy.external_id_attaches_to_found and key.kind in CHANNELS and not plan.activity:
                self.open_case(key, {card.id for card in free}, refused=True)  # policy: 409 conflict, a case
                raise Refused("failed", "external_id_conflict")
            return free[0]  # L4, L5
        if plan.bulk and plan.replace_external_id and len(matches) == 1 and key in wish.keys_for(plan.key):
            return matches[0]  # L6a. Silent: in the default order every key is a chosen one
        return None  # L6

    def is_someone_else(self, card: Card, wish: Wish) -> bool:
        """T7: the record finds nobody by what it is known by, and the owner of the device is known by another value."""
        known = [key for key in wish.keys if key.kind in PERMANENT]
        if any(self.may_be_meant(owner, wish) for key in known for owner in self.owners(key)):
            return False
        # A further value, which is the owner's by a merge, is not another one.
        return any(card[key.kind] and key not in self.held(card) for key in known)

    def may_be_meant(self, card: Card, wish: Wish) -> bool:
        return card.state == ACTIVE and not (wish["external_id"] and card["external_id"])

    def unknown(self, wish: Wish, plan: Plan, fresh: Callable[[], int]) -> tuple[str, int | None, str]:
        """Nobody matches (L9, L15, L17)."""
        if plan.mode == Mode.UPDATE:
            raise Refused("skipped", "not_found")  # L9
        if plan.tracking == "web" and all(key.kind == "cookie" for key in wish.keys):
            return self.see_visitor(wish, fresh)  # L15
        if not plan.may_create or (plan.needs_permanent and not any(key.kind in PERMANENT for key in wish.keys)):
            raise Refused("failed", "contact_not_found")  # L17
        card = Card(self.number_of_visitor(wish) or fresh(), deliberate=plan.person or plan.source == "import")
        assert card.id not in self.cards
        self.cards[card.id] = card
        self.touch(card)
        self.take_over(card, wish, plan, created=True)
        return "created", card.id, ""

    def number_of_visitor(self, wish: Wish) -> int | None:
        """T2: a contact created by this very record takes the visitor's number."""
        return next((number for key in wish.keys if (number := self.visitor(key))), None)

    def see_visitor(self, wish: Wish, fresh: Callable[[], int]) -> tuple[str, int | None, str]:
        number = self.number_of_visitor(wish) or fresh()
        for key in wish.keys:
            if self.visitor(key) is None:
                for deleted in self.owners(key):
                    self.let_go(deleted, key)  # L8: it never finds a deleted contact, it migrates (T5)
                self.rows.add((key, number))
        return "visitor", number, ""

    def check_restorable(self, card: Card, plan: Plan) -> None:
        """L2: single calls restore; batches only when asked."""
        if card.state == DELETED and plan.bulk and not plan.restore_deleted:
            raise Refused("skipped", "contact_deleted", card.id)

    # Taking over

    def take_over(self, card: Card, wish: Wish, plan: Plan, *, created: bool) -> None:
        if created or not plan.activity:  # L17: activity never changes fields
            self.take_external_id(card, wish)
            for channel in CHANNELS:
                self.take_channel(card, channel, wish, plan)
            self.take_fields(card, wish, plan)
        for key in wish.keys:
            if key.kind not in LASTING:
                self.take_changeable(card, key)

    def take_external_id(self, card: Card, wish: Wish) -> None:
        value = wish["external_id"]
        if not value or value == card["external_id"]:
            return
        key = key_of("external_id", value)
        if key in self.held(card) and wish.id is None:
            return  # L3: the survivor's primary stays
        # L11: its own further ID becomes the primary. Silent: the old one is free then, as in every replacement.
        if card["external_id"]:
            self.let_go(card, key_of("external_id", card["external_id"]))  # L6a, L11
        self.attach(card, key)
        self.write(card, "external_id", value)

    def take_channel(self, card: Card, channel: str, wish: Wish, plan: Plan) -> None:
        value = wish[channel]
        if not value:
            return
        key = key_of(channel, value)
        current = card[channel]
        if current:
            if key_of(channel, current) == key:
                if plan.person:
                    self.write(card, channel, value)  # Silent: only a person changes how the same address is written
                return  # Silent (T11): it stays unconfirmed, whoever sends the same address again
            if not self.may_replace(channel, wish, plan):
                return
        if not self.may_share(card, key):
            return
        if current:
            self.let_go(card, key_of(channel, current))  # T8, also for a value that is the contact's by a merge
        self.attach(card, key)
        self.write(card, channel, value)
        fresh_state = UNCONFIRMED if plan.unconfirmed and channel == "email" else 1  # T11
        self.write(card, f"{channel}_state", self.suppressed.get(key.value, fresh_state))  # T12
        self.note_shared(card, key)  # T13

    def may_replace(self, channel: str, wish: Wish, plan: Plan) -> bool:
        if plan.fill_blanks_only or plan.keep_channels:
            return False  # T8: subscribe keeps existing channels
        if plan.tracking:
            return self.policy.tracking_may_replace_channels and plan.tracking == "mobile" and bool(wish["external_id"])
        return not plan.bulk or channel != self.kept_field(plan)  # T9

    def kept_field(self, plan: Plan) -> str:
        """T9: the field of the chosen key; of email_or_phone only the one that matched."""
        return self.matched_by if plan.key == "email_or_phone" else plan.key

    def may_share(self, card: Card, key: Key) -> bool:
        """Policy: contacts with different external IDs may share an email."""
        if self.policy.external_ids_may_share_channels or not card["external_id"]:
            return True
        others = [other for other in self.sharing(card, key) if other["external_id"]]
        if others:
            self.open_case(key, {card.id, *(other.id for other in others)}, refused=True)
        return not others

    def take_fields(self, card: Card, wish: Wish, plan: Plan) -> None:
        for column, value in wish.values.items():
            if column in PERMANENT or (plan.fill_blanks_only and card[column]):
                continue
            if plan.bulk and CUSTOM_KEYS.get(column) == plan.key and card[column]:
                continue  # T9
            self.set_field(card, column, value)
        if plan.empty_values_clear:
            for column in wish.cleared:
                if column == "external_id" and not plan.person:
                    continue  # T10
                if plan.bulk and CUSTOM_KEYS.get(column, column) == self.kept_field(plan):
                    continue  # T9
                self.clear(card, column)

    def set_field(self, card: Card, column: str, value: str | None) -> None:
        app = CUSTOM_KEYS.get(column)
        if app and card[column] != value:
            if card[column]:
                self.let_go(card, Key("custom", app, card[column]))
            if value and value != JUNK:
                self.attach(card, Key("custom", app, value))
        self.write(card, column, value)

    def clear(self, card: Card, column: str) -> None:
        if column not in PERMANENT:
            self.set_field(card, column, None)
        elif card[column]:
            self.let_go(card, key_of(column, card[column]))
            self.settle(card)

    def take_changeable(self, card: Card, key: Key) -> None:
        number = self.visitor(key)
        owner = next(iter(self.owners(key)), None)
        if number is not None:
            self.rows.remove((key, number))  # T2
            self.events.update({event: card.id for event, who in self.events.items() if who == number})
            self.attach(card, key)
        elif owner is None:
            self.attach(card, key)  # T1
        elif owner.id != card.id:
            if owner.state == ACTIVE and self.is_anonymous(owner) and self.policy.merge_anonymous:
                self.merge_cards(card, owner, {})  # T4
            else:
                self.let_go(owner, key)  # T5
                self.attach(card, key)

    # Merging

    def merge(self, survivor_id: int, loser_id: int, choices: Mapping[str, str]) -> None:
        survivor, loser = self.follow(survivor_id), self.follow(loser_id)
        if survivor is None or loser is None or ERASED in (survivor.state, loser.state):
            raise Refused("failed", "contact_not_found")
        if survivor is loser or survivor.state == DELETED:
            raise Refused("failed", "merge_refused")
        self.merge_cards(survivor, loser, choices)

    def merge_cards(self, survivor: Card, loser: Card, choices: Mapping[str, str]) -> None:
        """Rows move, blanks are filled, the loser becomes a tombstone whose own columns stay as they were."""
        merge = Merge(survivor.id, loser.id)
        self.merges.append(merge)
        for column, value in list(loser.columns.items()):
            if not column.endswith("_state") and (not survivor[column] or choices.get(column) == "loser"):
                self.fill(merge, survivor, column, value)
                if column in CHANNELS and column in merge.filled:
                    self.fill(merge, survivor, f"{column}_state", loser[f"{column}_state"])
        for key in self.held(loser):
            (merge.dropped if key in self.held(survivor) else merge.moved).append(key)
            self.rows.remove((key, loser.id))
            self.rows.add((key, survivor.id))
        merge.made_deliberate = loser.deliberate and not survivor.deliberate
        survivor.deliberate = survivor.deliberate or loser.deliberate
        merge.events = self.move_events(survivor, loser, self.events)
        merge.tombstones = [card.id for card in self.cards.values() if card.merged_into == loser.id]
        for tombstone in merge.tombstones:
            self.cards[tombstone].merged_into = survivor.id
        loser.was, loser.state, loser.merged_into = loser.state, MERGED, survivor.id
        self.touch(loser)
        self.touch(survivor)
        self.close_cases(merge, survivor.id, loser.id)

    def fill(self, merge: Merge, survivor: Card, column: str, value: Any) -> None:
        before = survivor[column]
        if self.write(survivor, column, value):
            merge.filled[column] = (before, value)

    def move_events(self, taker: Card, giver: Card, among: Iterable[int]) -> list[int]:
        moved = [event for event in among if self.events.get(event) == giver.id]
        self.events.update(dict.fromkeys(moved, taker.id))
        return moved

    def close_cases(self, merge: Merge, survivor: int, loser: int) -> None:
        """Silent: the survivor stands for both; a case that was about these two alone is done."""
        for value, case in self.cases.items():
            if loser in case.ids:
                ids, status = case.ids, case.status
                if case.ids == {survivor, loser} and case.status == "open":
                    case.status = "merged"
                case.ids = (case.ids - {loser}) | {survivor}
                if case.refused:
                    merge.cases[value] = (ids, status, case.ids, case.status)

    def reopen_cases(self, merge: Merge) -> set[tuple[str, str]]:
        """Silent: what was refused before the merge is a case again, unless it was touched since."""
        reopened = set()
        for value, (ids, status, after, became) in merge.cases.items():
            case = self.cases.get(value)
            if case and (case.ids, case.status) == (after, became):
                case.ids, case.status = ids, status
                reopened.add(value)
        return reopened

    def undo(self, merge: Merge) -> None:
        self.check_undoable(merge)
        survivor, loser = self.cards[merge.survivor], self.cards[merge.loser]
        merge.undone = True
        loser.state, loser.merged_into = loser.was, None
        for column, (before, after) in merge.filled.items():
            if survivor[column] == after:  # what changed since stays
                self.write(survivor, column, before)
        survivor.deliberate = survivor.deliberate and not merge.made_deliberate
        reopened = self.reopen_cases(merge)
        for key in merge.moved:
            self.give_back(merge, key, survivor, loser)
            if (key.kind, key.value) not in reopened:
                self.give_case_back(key, survivor, loser)
        for key in merge.dropped:
            self.rows.add((key, loser.id))
        self.move_events(loser, survivor, merge.events)
        for tombstone in merge.tombstones:
            if self.cards[tombstone].merged_into == survivor.id:
                self.cards[tombstone].merged_into = loser.id
        for card in (survivor, loser):
            self.settle(card)
            self.touch(card)
            self.note_all_shared(card)

    def check_undoable(self, merge: Merge) -> None:
        if merge.gone:
            raise Refused("failed", "contact_not_found")  # one of the two was erased
        if merge.undone:
            raise Refused("failed", "merge_refused")
        if self.cards[merge.survivor].state == MERGED:
            raise Refused("failed", "undo_later_merge_first")

    def give_back(self, merge: Merge, key: Key, survivor: Card, loser: Card) -> None:
        owners = {owner.id for owner in self.owners(key)}
        if survivor.id in owners and not self.stays(merge, key, survivor):
            self.rows.remove((key, survivor.id))
            self.rows.add((key, loser.id))
        elif key.kind in SHARED or not owners:
            self.rows.add((key, loser.id))

    def give_case_back(self, key: Key, survivor: Card, loser: Card) -> None:
        """Silent: the loser stands in the case of its value again, where the survivor stood for it."""
        case = self.cases.get((key.kind, key.value))
        if case and key not in self.held(survivor):
            case.ids = {loser.id if contact == survivor.id else contact for contact in case.ids}

    def stays(self, merge: Merge, key: Key, survivor: Card) -> bool:
        """It became the survivor's own since, or a later merge that stands brought it too."""
        for other in self.standing_merges(merge):
            if key in (*other.moved, *other.dropped):
                if key in other.dropped:
                    other.dropped.remove(key)
                    other.moved.append(key)
                return True
        if key.kind == "custom":
            return any(survivor[column] == key.value for column, app in CUSTOM_KEYS.items() if app == key.app)
        own = survivor[key.kind] if key.kind in PERMANENT else None
        return own is not None and key_of(key.kind, own) == key

    def standing_merges(self, merge: Merge) -> list[Merge]:
        """Later merges into the same survivor that were not undone."""
        later = self.merges[self.merges.index(merge) + 1 :]
        return [other for other in later if other.survivor == merge.survivor and not other.undone]

    def settle(self, card: Card) -> None:
        """Primary values are held; the states of channels are those of their addresses."""
        for kind in PERMANENT:
            if card[kind] and key_of(kind, card[kind]) in self.held(card):
                continue
            further = sorted(key.value for key in self.held(card) if key.kind == kind)
            self.write(card, kind, further[0] if further else None)
        for column, app in CUSTOM_KEYS.items():
            if card[column] not in (None, JUNK) and Key("custom", app, card[column]) not in self.held(card):
                self.write(card, column, None)
        for channel in CHANNELS:
            self.settle_state(card, channel)

    def settle_state(self, card: Card, channel: str) -> None:
        name, value = f"{channel}_state", card[channel]
        if not value:
            self.write(card, name, None)
            return
        state = self.suppressed.get(key_of(channel, value).value)
        if state:
            self.write(card, name, state)
        elif (card[name] or UNSUBSCRIBED) >= UNSUBSCRIBED:
            self.write(card, name, 1)

    # Living and dying

    def change_life(self, verb: str, contact_id: int) -> tuple[str, str]:
        """(status, code) of deleting, restoring or erasing a contact; a merged id means its survivor."""
        card = self.follow(contact_id)
        if card is None or card.state == ERASED:
            return "failed", "contact_not_found"
        if verb == "erase":
            self.erase_card(card)
        elif card.state == (DELETED if verb == "delete" else ACTIVE):
            return "unchanged", ""
        elif verb == "restore":
            self.restore_card(card)
        else:
            card.state = DELETED
            self.touch(card)
        return "updated", ""

    def restore_card(self, card: Card) -> None:
        card.state = ACTIVE
        self.touch(card)
        self.note_all_shared(card)

    def erase_card(self, card: Card) -> None:
        """The survivor and all its tombstones: nothing is left but their ids."""
        ids = {card.id, *(other.id for other in self.cards.values() if other.merged_into == card.id)}
        self.rows = {(key, owner) for key, owner in self.rows if owner not in ids}
        self.events = {event: who for event, who in self.events.items() if who not in ids}
        for contact in ids:
            self.cards[contact] = Card(contact, ERASED)
        for merge in self.merges:
            merge.gone = merge.gone or bool({merge.survivor, merge.loser} & ids)
        for value, case in list(self.cases.items()):
            if (case.ids | case.dismissed) & ids:
                case.ids -= ids
                case.dismissed -= ids
                if len(case.ids) < (1 if case.refused else 2):
                    del self.cases[value]

    def suppress(self, value: str, state: int) -> None:
        self.suppressed[value] = max(state, self.suppressed.get(value, 0))  # T12: the more restrictive stays
        self.settle_states(value)

    def lift(self, value: str, *, person: bool) -> None:
        state = self.suppressed.get(value, 0)
        if state and (person or state < BLACKLISTED):  # T12: blacklisted: a person
            del self.suppressed[value]
        self.settle_states(value)

    def settle_states(self, value: str) -> None:
        for card in self.cards.values():
            for channel in CHANNELS:
                if card.state in (ACTIVE, DELETED) and card[channel] and key_of(channel, card[channel]).value == value:
                    self.settle_state(card, channel)
