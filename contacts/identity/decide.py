"""Which contact a record belongs to, and what it takes over (pure): the rules L1–L17 and T1–T14 in their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from contacts.identity.absorb import absorb, primary_of
from contacts.identity.types import Mode, Outcome, Plan, PolicyRules, Status, Step
from contacts.identity.world import (
    ACTIVE,
    CHANNEL_COLUMNS,
    DELETED,
    ERASED,
    PRIMARY_COLUMNS,
    TOO_COMMON,
    ContactRow,
    NewContact,
    World,
    is_changeable,
    primary_key_of,
)
from contacts.keys import PERMANENT_KINDS, Kind, kinds_of_key
from contacts.normalize import compare_form, custom_key_value
from contacts.records import Key, Problem, Record

__all__ = ["decide", "decide_by_rules"]

EXTERNAL_ID: Final = int(Kind.EXTERNAL_ID)
EMAIL: Final = int(Kind.EMAIL)
PHONE: Final = int(Kind.PHONE)
CUSTOM: Final = int(Kind.CUSTOM)
ADVERTISING: Final = int(Kind.ADVERTISING)
COOKIE: Final = int(Kind.COOKIE)
STATE_ACTIVE: Final = 1
STATE_UNCONFIRMED: Final = 2
PERMANENT: Final = frozenset(int(kind) for kind in PERMANENT_KINDS)
SLUGS: Final = {int(kind): kind.slug for kind in Kind}

MESSAGES: Final = {
    "key_missing": "The record has no valid value for the chosen key; fill it in.",
    "identifier_missing": "The record names nobody; send an external ID, an email, a phone or another identifier.",
    "contact_not_found": "There is no such contact; send it first.",
    "not_found": "No contact matches, and with this mode none is created.",
    "already_exists": "A contact matches and the mode is create only, so nothing was changed.",
    "contact_deleted": "The contact is deleted; ask for deleted contacts to be restored.",
    "external_id_taken": "Another contact has this external ID; open that one or merge the two.",
    "external_id_conflict": "The policy does not attach an external ID to a contact found by email or phone.",
}


class Refused(Exception):
    """The record goes no further; the outcome says why."""

    def __init__(
        self, status: Status, code: str, *, column: str = "", contact_id: int | None = None, other_id: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.column = column
        self.contact_id = contact_id
        self.other_id = other_id


def decide(record: Record, plan: Plan, policy: PolicyRules, world: World) -> Outcome:
    """Resolve one record within ``world``: find or make its contact and lay its effects over the world.

    Nothing is laid over the world when the outcome is skipped or failed, but for a duplicate case.
    """
    if plan.activity and record.identifiers and not record.problems:
        known = _recognized(record, plan, world) or _visited(record, plan, world)
        if known is not None:
            return known
    return decide_by_rules(record, plan, policy, world)


def decide_by_rules(record: Record, plan: Plan, policy: PolicyRules, world: World) -> Outcome:
    """The same, one rule after the other, whatever the record."""
    outcome = Outcome(record.ref, Status.UNCHANGED, warnings=list(record.warnings))
    if record.problems:
        problem = record.problems[0]
        outcome.status, outcome.problems = Status.FAILED, record.problems
        outcome.column, outcome.code, outcome.message = problem
        return outcome
    world.begin()
    try:
        _Decision(record, plan, policy, world, outcome).run()
    except Refused as refused:
        outcome.status, outcome.code = refused.status, refused.code
        outcome.message = MESSAGES[refused.code]
        outcome.column, outcome.contact_id, outcome.other_id = refused.column, refused.contact_id, refused.other_id
    return outcome


def _recognized(record: Record, plan: Plan, world: World) -> Outcome | None:
    """Activity that names one active contact by a lasting identifier, and brings it none that changes (L1, L3, L7).

    L17 leaves nothing to take over then. Most events are such: it is what the rules come to, in one step, which the
    tests hold. None where the rules have to judge.
    """
    key, last = record.identifiers[0], record.identifiers[-1]
    if last[0] > CUSTOM or (key is not last and record.external_id is None) or record.contact_id is not None:
        return None
    if plan.bulk or plan.key != "default" or plan.mode is not Mode.UPSERT:
        return None
    world.begin()
    owners = world.owners_of(key)
    contact = world.rows.get(next(iter(owners))) if len(owners) == 1 else None
    if contact is None or contact.values["state"] != ACTIVE:
        return None
    rule = "L7"
    if record.external_id is not None:
        rule = "L1" if contact.values["external_id"] == record.external_id else "L3"
    column = column_of(key)
    steps = [Step(column, key[2], (contact.id,), "matched")]
    return Outcome(record.ref, Status.UNCHANGED, contact.id, column, rule, steps, warnings=list(record.warnings))


def _visited(record: Record, plan: Plan, world: World) -> Outcome | None:
    """Activity of the web tracker that carries a cookie and nothing else, which no contact has (L15).

    In one step too, for the same reason and held by the same tests.
    """
    key = record.identifiers[0]
    if plan.tracking != "web" or len(record.identifiers) > 1 or key[0] != COOKIE or record.contact_id is not None:
        return None
    if plan.bulk or plan.key != "default" or plan.mode is not Mode.UPSERT:
        return None
    owner = world.owner_of(key)
    if owner is not None and owner in world.rows:
        return None
    world.begin()
    if owner is None:
        owner = next(world.new_ids)
        world.add_owner(key, owner)
    else:
        world.seen.add((key, owner))
    steps = [Step(column_of(key), key[2], (), "nobody has it")]
    return Outcome(record.ref, Status.VISITOR, owner, rule="L15", steps=steps, warnings=list(record.warnings))


class _Decision:
    """One record on its way through the rules."""

    __slots__ = ("is_unknown", "matched_channel", "outcome", "plan", "policy", "record", "world")

    def __init__(self, record: Record, plan: Plan, policy: PolicyRules, world: World, outcome: Outcome) -> None:
        self.record = record
        self.plan = plan
        self.policy = policy
        self.world = world
        self.outcome = outcome
        self.matched_channel = ""
        self.is_unknown = False

    def run(self) -> None:
        # 1. Who is meant?
        contact: ContactRow | None
        if self.record.contact_id is not None:
            contact = self.named_contact(self.record.contact_id)
        else:
            self.limit_tracking()
            self.check_usable()
            contact = self.found_contact()
        # 2. May the caller do that?
        if self.plan.mode == Mode.DELETE:
            self.delete(contact)
            return
        created = contact is None
        if contact is None:
            if not self.may_be_created():
                return
            if self.world.folds and self.is_unknown and self.is_plain():
                self.fold()
                return
            contact = self.created_contact()
        elif self.plan.mode == Mode.CREATE:
            raise Refused(Status.SKIPPED, "already_exists", contact_id=contact.id)
        self.outcome.contact_id = contact.id
        # 3. What does the contact take over?
        if created and self.is_unknown:
            self.fill(contact)
            self.conclude(contact, created=True, restored=False)
            return
        restored = self.restore(contact)
        if contact.values["state"] == ACTIVE:
            self.take_over(contact, created=created)
        self.conclude(contact, created=created, restored=restored)

    def conclude(self, contact: ContactRow, *, created: bool, restored: bool) -> None:
        outcome, entries = self.outcome, self.world.record_entries(contact)
        if created:
            outcome.status = Status.CREATED
        elif restored:
            outcome.status = Status.RESTORED
        elif entries and not all(entry.is_empty for entry in entries):
            outcome.status = Status.UPDATED
        if len(entries) == 1:
            outcome.before, outcome.after = entries[0].before, entries[0].after
        elif entries:
            outcome.before = {column: value for entry in reversed(entries) for column, value in entry.before.items()}
            outcome.after = {column: value for entry in entries for column, value in entry.after.items()}
        if outcome.rule:
            for entry in entries:
                entry.details.setdefault("rule", outcome.rule)

    # 1a. The caller names one contact

    def named_contact(self, contact_id: int) -> ContactRow:
        """L10–L13: the id decides, the external ID only has to be free."""
        contact = self.world.follow(contact_id)
        if contact is None or contact.values["state"] == ERASED:
            raise Refused(Status.FAILED, "contact_not_found", column="id")
        self.outcome.rule = "L13" if contact.id != contact_id else "L12" if self.is_deleted(contact) else ""
        self.say_matched_by("id")
        if self.record.external_id is not None:
            owner = self.world.owner_of(self.key_of(EXTERNAL_ID))
            if owner is not None and owner != contact.id:
                self.outcome.rule = "L10"
                raise Refused(
                    Status.FAILED, "external_id_taken", column="external_id", contact_id=contact.id, other_id=owner
                )
        return contact

    # 1b. The record is looked up

    def limit_tracking(self) -> None:
        """Policy: tracking may find by an external ID, and set a new one only where that is allowed."""
        record = self.record
        if record.external_id is None or not self.plan.tracking or self.policy.tracking_may_set_external_id:
            return
        key = self.key_of(EXTERNAL_ID)
        if self.world.owner_of(key) is None:
            self.warn("external_id", "external_id_ignored", "Tracking may not set an external ID here.")
            self.record = without_external_id(record, key)

    def check_usable(self) -> None:
        """L16: a bulk record needs its chosen key or an external ID, a single one any identifier."""
        record, plan = self.record, self.plan
        if record.external_id is not None:
            return
        if plan.bulk:
            if not any(True for _ in self.chosen_keys()):
                raise Refused(Status.FAILED, "key_missing", column=plan.key if plan.key != "default" else "")
        elif not plan.person and not any(key[0] != ADVERTISING for key in record.identifiers):
            raise Refused(Status.FAILED, "identifier_missing")

    def found_contact(self) -> ContactRow | None:
        contact = self.by_external_id()
        if contact is not None:
            return contact
        if not self.anybody_known():
            return None
        keys = list(self.keys_to_try())
        lasting = [key for key in keys if not is_changeable(key)]
        return (
            self.by_lasting_keys(lasting)
            or self.by_deleted(lasting)
            or self.by_changeable([key for key in keys if is_changeable(key)])
        )

    def anybody_known(self) -> bool:
        """Whether anybody at all, a visitor included, holds one of the carried keys."""
        owners_of = self.world.owners_of
        for key in self.record.identifiers:
            if owners_of(key):
                return True
        self.is_unknown = True
        if not self.plan.bulk:
            for key in self.keys_to_try():
                self.step(key, (), "nobody has it")
        return False

    def by_external_id(self) -> ContactRow | None:
        """L1–L3: whoever has the external ID is meant, whatever key was chosen."""
        if self.record.external_id is None:
            return None
        key = self.key_of(EXTERNAL_ID)
        owner = self.world.owner_of(key)
        contact = self.world.follow(owner) if owner is not None else None
        if contact is None:
            if not self.plan.bulk:
                self.step(key, (), "nobody has it")
            return None
        self.say_matched_by("external_id")
        if contact.values["state"] == DELETED:
            self.outcome.rule = "L2"
            self.check_restorable(contact, by_external_id=True)
        else:
            self.outcome.rule = "L1" if contact.values["external_id"] == self.record.external_id else "L3"
        if not self.plan.bulk:
            self.step(key, (contact.id,), "matched")
        return contact

    def keys_to_try(self) -> Iterable[Key]:
        """L4, L7: the chosen key first; all others too when the record has an external ID that nobody has.

        A single record without a value for the chosen key is looked up in the default order; in bulk it fails (L16).
        """
        chosen = list(self.chosen_keys())
        yield from chosen
        if self.record.external_id is not None or not (chosen or self.plan.bulk):
            for key in self.record.identifiers:
                if key[0] not in (EXTERNAL_ID, ADVERTISING) and key not in chosen:
                    yield key

    def chosen_keys(self) -> Iterable[Key]:
        key = self.plan.key
        if key == "default":  # kinds are numbered in this order
            yield from (carried for carried in self.record.identifiers if EXTERNAL_ID < carried[0] <= COOKIE)
            return
        for kind in kinds_of_key(key):
            for carried in self.record.identifiers:
                if carried[0] == kind and kind != EXTERNAL_ID and (kind != CUSTOM or key in ("default", carried[1])):
                    yield carried

    def by_lasting_keys(self, keys: list[Key]) -> ContactRow | None:
        """L4–L7 over emails, phones and custom keys of active contacts."""
        for key in keys:
            matches = [contact for contact in self.candidates(key) if contact.values["state"] == ACTIVE]
            contact = self.choose(key, matches)
            if contact is not None:
                return contact
        return None

    def by_deleted(self, keys: list[Key]) -> ContactRow | None:
        """L8: deleted contacts, only when no active one matched; then as L2."""
        if self.plan.activity or not self.plan.may_restore:
            return None
        for key in keys:
            matches = [contact for contact in self.candidates(key) if self.is_deleted(contact)]
            contact = self.choose(key, matches) if matches else None
            if contact is not None:
                self.outcome.rule = "L8"
                self.check_restorable(contact)
                return contact
        return None

    def by_changeable(self, keys: list[Key]) -> ContactRow | None:
        """L7, L17, T6, T7 over devices, tokens and cookies: they never find a deleted contact."""
        for key in keys:
            matches = [contact for contact in self.candidates(key) if contact.values["state"] == ACTIVE]
            if matches and self.is_someone_else(matches[0]):
                self.step(key, (matches[0].id,), "is another contact's device (T7)")
                self.outcome.rule = "T7"
                continue
            anonymous = bool(matches) and matches[0].is_anonymous
            if anonymous and self.makes_itself_known():
                self.step(key, (matches[0].id,), "is anonymous; whoever is created takes it over (L17, T4)")
                self.outcome.rule = "L17"
                continue
            contact = self.choose(key, matches)
            if contact is not None:
                if anonymous and any(carried[0] in PERMANENT for carried in self.record.identifiers):
                    self.outcome.rule = "T6"
                return contact
        return None

    def is_someone_else(self, contact: ContactRow) -> bool:
        """T7: the owner of the device has another email, phone or external ID, and the record's own finds nobody."""
        differs = False
        for key in self.record.identifiers:
            kind = key[0]
            if kind not in PERMANENT:
                continue
            if kind != EXTERNAL_ID and self.finds_somebody(key):
                return False
            has_another = contact.values[PRIMARY_COLUMNS[Kind(kind)]] is not None
            differs = differs or (has_another and contact.id not in self.world.owners_of(key))
        return differs

    def makes_itself_known(self) -> bool:
        """L17: activity promotes nobody (T6), but it creates whom it names, and then takes over who was anonymous (T4).

        Recorded on the anonymous contact it would leave two of what is one, had the person been known before.
        """
        return self.plan.activity and self.plan.may_create and self.has_permanent()

    def finds_somebody(self, key: Key) -> bool:
        wants_free = self.record.external_id is not None
        return any(
            contact.values["state"] == ACTIVE and not (wants_free and contact.values["external_id"] is not None)
            for contact in self.candidates(key)
        )

    def candidates(self, key: Key) -> list[ContactRow]:
        """The contacts that hold a key, none where it is too common; a visitor is no contact."""
        owners = self.world.owners_of(key)
        if len(owners) > TOO_COMMON:
            if not any(
                warning.code == "value_too_common" and warning.column == column_of(key)
                for warning in self.outcome.warnings
            ):
                self.warn(
                    column_of(key),
                    "value_too_common",
                    f"More than {TOO_COMMON} contacts have this value; it identifies nobody.",
                )
            return []
        found = (self.world.follow(owner) for owner in owners)
        return [contact for contact in found if contact is not None and contact.values["state"] != ERASED]

    def choose(self, key: Key, matches: list[ContactRow]) -> ContactRow | None:
        """L4–L7: among the matches of one key, the one that may be meant and was updated last."""
        if not matches:
            self.step(key, (), "nobody has it")
            return None
        ids = tuple(contact.id for contact in matches)
        rule = "L7"
        if self.record.external_id is not None:
            free = [contact for contact in matches if contact.values["external_id"] is None]
            rule = "L4" if len(free) == 1 else "L5"
            if not free:
                if self.may_replace(key, matches):
                    rule, free = "L6a", matches
                else:
                    self.step(key, ids, "has another external ID (L6)")
                    self.outcome.rule = "L6"
                    return None
            elif key[0] in (EMAIL, PHONE) and not self.policy.external_id_attaches_to_found and not self.plan.activity:
                self.world.open_case(key, "refused", [contact.id for contact in free])
                raise Refused(Status.FAILED, "external_id_conflict", column="external_id", other_id=free[0].id)
            matches = free
        contact = max(matches, key=_lateness)
        self.outcome.rule = rule
        self.matched_channel = column_of(key)
        self.say_matched_by(self.matched_channel)
        self.step(key, ids, "matched")
        return contact

    def may_replace(self, key: Key, matches: list[ContactRow]) -> bool:
        """L6a: asked for, in bulk, exactly one match by the chosen key."""
        plan = self.plan
        return plan.bulk and plan.replace_external_id and len(matches) == 1 and key in set(self.chosen_keys())

    # 2. Deleting, restoring and creating

    def delete(self, contact: ContactRow | None) -> None:
        """Whoever was found is deleted, so that it can be restored; a deleted contact is nobody (L12)."""
        if contact is None or contact.values["state"] != ACTIVE:
            raise Refused(Status.SKIPPED, "not_found", contact_id=None if contact is None else contact.id)
        delete_in(self.world, contact)
        self.outcome.contact_id = contact.id
        self.conclude(contact, created=False, restored=False)
        self.outcome.status = Status.DELETED

    def check_restorable(self, contact: ContactRow, *, by_external_id: bool = False) -> None:
        """L2: a single call restores, bulk only when asked; activity never does, but is recorded by external ID."""
        plan = self.plan
        if plan.mode == Mode.DELETE:
            return
        if plan.activity or not plan.may_restore:
            if not by_external_id:
                raise Refused(Status.SKIPPED, "contact_deleted", contact_id=contact.id)
        elif plan.bulk and not plan.restore_deleted:
            raise Refused(Status.SKIPPED, "contact_deleted", contact_id=contact.id)

    def restore(self, contact: ContactRow) -> bool:
        if not self.is_deleted(contact) or self.plan.activity or not self.plan.may_restore:
            return False
        restore_in(self.world, contact)
        return True

    def may_be_created(self) -> bool:
        """L9, L15, L17: whether there is to be a new contact; no, where only a visitor's cookie is known."""
        record, plan = self.record, self.plan
        if plan.mode == Mode.UPDATE:
            raise Refused(Status.SKIPPED, "not_found")
        if plan.tracking == "web" and all(key[0] in (COOKIE, ADVERTISING) for key in record.identifiers):
            self.see_visitor()
            return False
        if not plan.may_create or (plan.needs_permanent and not self.has_permanent()):
            raise Refused(Status.FAILED, "contact_not_found")
        return True

    def is_plain(self) -> bool:
        """Whether the record carries nothing but permanent identifiers and custom keys."""
        record = self.record
        return not record.details and (not record.identifiers or record.identifiers[-1][0] <= CUSTOM)

    def fold(self) -> None:
        """A plain record of somebody whom nobody knows: the contact is the record."""
        record, world, outcome = self.record, self.world, self.outcome
        after = dict(record.fields)
        email = phone = None
        if record.external_id is not None:
            after["external_id"] = record.external_id
        if record.email is not None:
            after["email"] = record.email
            email = self.state_of("email", self.key_of(EMAIL))
        if record.phone is not None:
            after["phone"] = record.phone
            phone = self.state_of("phone", self.key_of(PHONE))
        for key, value in record.attributes.items():
            after[f"fields.{key}"] = value
        new = NewContact(next(world.new_ids), record, after, email, phone)
        world.fold(new, self.plan.source, deliberately=self.is_deliberate())
        outcome.status, outcome.rule, outcome.matched_by = Status.CREATED, "L9", "created"
        outcome.contact_id, outcome.before, outcome.after = new.id, {}, after

    def is_deliberate(self) -> bool:
        return self.plan.person or self.plan.source == "import"

    def created_contact(self) -> ContactRow:
        """A new contact, by the number of its visitor if it had one (T2)."""
        plan = self.plan
        if self.outcome.rule not in ("T7", "L6", "L17"):
            self.outcome.rule = "L9"
        self.say_matched_by("created")
        number = (None if self.is_unknown else self.number_of_visitor()) or next(self.world.new_ids)
        return self.world.create(number, plan.source, deliberately=self.is_deliberate())

    def has_permanent(self) -> bool:
        return any(key[0] in PERMANENT for key in self.record.identifiers)

    def see_visitor(self) -> None:
        """L15: the cookie has a number and no contact; one that a deleted contact left gets a fresh number (L8, T5)."""
        world, outcome = self.world, self.outcome
        number = self.number_of_visitor() or next(world.new_ids)
        outcome.status, outcome.rule, outcome.contact_id = Status.VISITOR, "L15", number
        for key in self.record.identifiers:
            if key[0] != COOKIE:
                continue
            owner = world.owner_of(key)
            deleted = world.follow(owner) if owner is not None else None
            if deleted is not None:
                world.detach(deleted, key)
                world.entry_of(deleted, "migrated").details["migrated_to"] = number
                owner = None
            if owner is None:
                world.add_owner(key, number)
            else:
                world.seen.add((key, owner))

    def number_of_visitor(self) -> int | None:
        """T2: a contact created by this very record takes its visitor's number, and nothing has to move."""
        for key in self.record.identifiers:
            if key[0] == COOKIE:
                number = self.world.owner_of(key)
                if number is not None and self.world.contact(number) is None:
                    return number
        return None

    # 3. Taking over

    def take_over(self, contact: ContactRow, *, created: bool) -> None:
        record, plan = self.record, self.plan
        if created or not plan.activity:  # L17: an existing contact keeps its fields
            self.take_external_id(contact)
            self.take_channels(contact)
            if created:
                self.give_fields(contact)
            else:
                self.take_fields(contact)
            if record.cleared and plan.empty_values_clear:
                self.clear_fields(contact)
        for key in record.identifiers:
            if is_changeable(key):
                self.take_changeable(contact, key)
            elif key[0] == ADVERTISING and contact.id not in self.world.owners_of(key):
                self.world.attach(contact, key, self.details_of(key))

    def take_external_id(self, contact: ContactRow) -> None:
        """L4, L11, L6a: the contact gets the external ID; one that it has by a merge stays further (L3)."""
        value, current = self.record.external_id, contact.values["external_id"]
        if value is None or current == value or (current is not None and self.keeps("external_id")):
            return
        key = self.key_of(EXTERNAL_ID)
        named = self.record.contact_id is not None
        if contact.id in self.world.owners_of(key) and not named:
            return
        if named:
            self.outcome.rule = "L11"
        self.make_primary(contact, Kind.EXTERNAL_ID, key, value)

    def take_channels(self, contact: ContactRow) -> None:
        record = self.record
        if record.email is not None:
            self.take_channel(contact, Kind.EMAIL, record.email)
        if record.phone is not None:
            self.take_channel(contact, Kind.PHONE, record.phone)

    def take_channel(self, contact: ContactRow, kind: Kind, value: str) -> None:
        """T8, T9: the email or phone of the record becomes the primary one, unless something speaks against it."""
        column = PRIMARY_COLUMNS[kind]
        current = contact.values[column]
        if current == value:
            return
        key = self.key_of(kind)
        if current is not None:
            if primary_key_of(kind, current) == key:
                if self.plan.person:
                    self.world.set_value(contact, column, value)
                return
            if not self.may_replace_channel(column):
                return
        if not self.may_share(contact, key, column):
            return
        self.make_primary(contact, kind, key, value)
        self.set_channel_state(contact, column, key)
        note_shared(self.world, contact, key)

    def may_replace_channel(self, column: str) -> bool:
        plan = self.plan
        if plan.keep_channels or self.keeps(column):
            return False
        if plan.tracking:
            user_named = plan.tracking == "mobile" and self.record.external_id is not None
            return user_named and self.policy.tracking_may_replace_channels
        if plan.bulk:
            # T9: the field of the chosen key stays; of email_or_phone only the one that matched.
            protected = self.matched_channel if plan.key == "email_or_phone" else plan.key
            return column != protected
        return True

    def may_share(self, contact: ContactRow, key: Key, column: str) -> bool:
        """Policy: contacts with different external IDs may share an email or phone, or that field is refused."""
        own = contact.values["external_id"]
        if self.policy.external_ids_may_share_channels or own is None:
            return True
        others = [
            other.id
            for other in other_active(self.world, contact, key)
            if other.values["external_id"] not in (None, own)
        ]
        if not others:
            return True
        self.warn(column, "shared_value_refused", f"Contact {others[0]} with another external ID has this {column}.")
        self.world.open_case(key, "refused", [contact.id, *others])
        return False

    def state_of(self, column: str, key: Key) -> tuple[int, str | None]:
        """The state, and its reason, that an address brings along to whoever gets it."""
        suppressed = self.world.suppressed.get(key)
        if suppressed is not None:
            return suppressed
        return (STATE_UNCONFIRMED if self.plan.unconfirmed and column == "email" else STATE_ACTIVE), None

    def set_channel_state(self, contact: ContactRow, column: str, key: Key) -> None:
        """T11, T12: confirmed or not yet, unless the address itself is suppressed."""
        state_column = CHANNEL_COLUMNS[column]
        state, reason = self.state_of(column, key)
        values = contact.values
        for name, value in (
            (state_column, state),
            (f"{state_column}_at", self.world.moment),
            (f"{state_column}_reason", reason),
        ):
            if contact.is_new:
                values[name] = value
            else:
                self.world.set_value(contact, name, value)

    def make_primary(self, contact: ContactRow, kind: Kind, key: Key, value: str) -> None:
        """The old primary value lets go and is free again; the new one is attached, or was there by a merge."""
        world = self.world
        old = world.primary_key(contact, kind)
        if old is not None and old != key:
            world.detach(contact, old)
        if contact.id not in world.owners_of(key):
            world.attach(contact, key, self.details_of(key))
        world.set_value(contact, PRIMARY_COLUMNS[kind], value)

    def fill(self, contact: ContactRow) -> None:
        """A contact just created whose keys nobody holds has all of them at once: no rule stands in between."""
        record, world, values = self.record, self.world, contact.values
        world.attach_new(contact, record.identifiers, record.details)
        fields = dict(record.fields)
        if record.external_id is not None:
            fields["external_id"] = record.external_id
        if record.email is not None:
            fields["email"] = record.email
            values["email_state"], values["email_state_reason"] = self.state_of("email", self.key_of(EMAIL))
            values["email_state_at"] = world.moment
        if record.phone is not None:
            fields["phone"] = record.phone
            values["phone_state"], values["phone_state_reason"] = self.state_of("phone", self.key_of(PHONE))
            values["phone_state_at"] = world.moment
        world.fill_new(contact, fields, record.attributes)

    def give_fields(self, contact: ContactRow) -> None:
        """A contact just created has every field from the record, and every custom key."""
        record, world = self.record, self.world
        if record.fields or record.attributes:
            world.fill_new(contact, record.fields, record.attributes)
        for key in record.identifiers:
            if key[0] == CUSTOM and contact.id not in world.owners_of(key):
                world.attach(contact, key, self.details_of(key))

    def take_fields(self, contact: ContactRow) -> None:
        record, plan, world = self.record, self.plan, self.world
        for column, value in record.fields.items():
            if contact[column] is not None and self.keeps(column):
                continue
            if column == "contact_key":
                if plan.bulk and plan.key == column and contact[column] is not None:
                    continue
                self.take_custom_key(contact, column, contact[column], value)
            world.set_value(contact, column, value)
        for key, value in record.attributes.items():
            current = contact["attributes"].get(key)
            if current is not None and ((plan.bulk and plan.key == key) or self.keeps(f"fields.{key}")):
                continue
            if self.carries(CUSTOM, key):
                self.take_custom_key(contact, key, current, value)
            elif current is not None and record.warnings and self.was_junk(f"fields.{key}"):
                _release_custom_key(world, contact, key, current)
            world.set_attribute(contact, key, value)

    def keeps(self, column: str) -> bool:
        """Whether a value that is there already stays, as the caller wishes."""
        return self.plan.fill_blanks_only or column in self.plan.keep_columns

    def was_junk(self, column: str) -> bool:
        """The field holds a placeholder now, which is data and no identifier."""
        return any(warning.column == column and warning.code == "junk_value" for warning in self.record.warnings)

    def carries(self, kind: int, app: str) -> bool:
        return any(key[0] == kind and key[1] == app for key in self.record.identifiers)

    def take_custom_key(self, contact: ContactRow, app: str, current: Any, value: Any) -> None:
        """A custom key's field changes: so does its identifier."""
        if current == value:
            return
        world = self.world
        if current is not None:
            old = custom_key(app, current)
            if old in world.keys_held_by(contact):
                world.detach(contact, old)
        new = self.record.key_of(Kind.CUSTOM, app)
        if new is not None and contact.id not in world.owners_of(new):
            world.attach(contact, new, self.details_of(new))

    def clear_fields(self, contact: ContactRow) -> None:
        """T10: present and empty clears, where the caller says so; the external ID only for a person on the sheet."""
        plan = self.plan
        for column in self.record.cleared:
            if plan.bulk and column.removeprefix("fields.") in (plan.key, self.matched_channel):
                continue
            if (column == "external_id" and not plan.person) or self.keeps(column):
                continue
            clear_in(self.world, contact, column)

    def take_changeable(self, contact: ContactRow, key: Key) -> None:
        """T1–T5: attach, claim from a visitor, refresh, merge the anonymous owner, or migrate.

        However it comes to the contact, it is described as the record says: it must not matter whose it was before.
        """
        world = self.world
        world.see(contact)
        self.move_changeable(contact, key)
        world.seen.add((key, contact.id))
        if details := self.details_of(key):
            world.describe(contact, key, details)

    def move_changeable(self, contact: ContactRow, key: Key) -> None:
        world, outcome = self.world, self.outcome
        owner = world.owner_of(key)
        if owner is None:
            world.attach(contact, key)
            return
        other = world.follow(owner)
        if other is None or (other is contact and contact.is_new and key not in world.keys_held_by(contact)):
            # A visitor, or the contact that was just created under the visitor's number (T2).
            world.claim(owner, contact, key)
            return
        if other.id == contact.id:
            return
        if other.is_anonymous and self.policy.merge_anonymous:
            absorb(world, contact, other, rule="T4")
            outcome.merged.append(other.id)
        else:
            world.move(key, other, contact)
            left = world.entry_of(other, "migrated")
            left.before.setdefault("identifiers", []).append([SLUGS[key[0]], key[1], key[2]])
            left.details["migrated_to"] = contact.id
            world.note_identifier(contact, "after", key)
            world.entry_of(contact).details.setdefault("migrated_from", []).append(other.id)
            outcome.migrated.append((SLUGS[key[0]], key[2], other.id))

    # Small words

    def key_of(self, kind: int) -> Key:
        """The carried key of a permanent kind."""
        for key in self.record.identifiers:
            if key[0] == kind:
                return key
        raise LookupError(kind)

    def details_of(self, key: Key) -> dict[str, Any] | None:
        return self.record.details.get(key) if self.record.details else None

    def is_deleted(self, contact: ContactRow) -> bool:
        return bool(contact.values["state"] == DELETED)

    def say_matched_by(self, how: str) -> None:
        self.outcome.matched_by = how
        self.world.say_matched_by(how)

    def warn(self, column: str, code: str, message: str) -> None:
        self.outcome.warnings.append(Problem(column, code, message))

    def step(self, key: Key, contact_ids: tuple[int, ...], verdict: str) -> None:
        self.outcome.steps.append(Step(column_of(key), key[2], contact_ids, verdict))


def _lateness(contact: ContactRow) -> tuple[Any, ...]:
    """L7: greatest updated_at, then id; the numbers below zero that a dry run gives are later than all ids."""
    return contact.values["updated_at"], contact.id < 0, abs(contact.id)


def column_of(key: Key) -> str:
    """What a key is called in an explanation: its kind, or the field of a custom key."""
    return key[1] if key[0] == CUSTOM else SLUGS[key[0]]


def custom_key(app: str, value: Any) -> Key:
    return compare_form(CUSTOM, app, custom_key_value(value))


def without_external_id(record: Record, key: Key) -> Record:
    """The same record, as if it had carried no external ID."""
    return Record(
        ref=record.ref,
        contact_id=record.contact_id,
        email=record.email,
        phone=record.phone,
        identifiers=tuple(carried for carried in record.identifiers if carried != key),
        details=record.details,
        fields=record.fields,
        attributes=record.attributes,
        cleared=record.cleared,
        warnings=record.warnings,
    )


def delete_in(world: World, contact: ContactRow) -> None:
    """An active contact is deleted; it keeps everything, so that it can be restored."""
    world.entry_of(contact, "deleted")
    world.set_state(contact, DELETED, deleted_at=world.moment)


def restore_in(world: World, contact: ContactRow) -> None:
    """A deleted contact is active again; what it shares now opens its cases (T13)."""
    world.entry_of(contact, "restored")
    world.set_state(contact, ACTIVE, deleted_at=None)
    open_shared_cases(world, contact)


def open_shared_cases(world: World, contact: ContactRow) -> None:
    """T13: the contact came back to life, and others may have its email or phone by now."""
    for key in sorted(world.keys_held_by(contact)):
        if key[0] in (EMAIL, PHONE):
            note_shared(world, contact, key)


def note_shared(world: World, contact: ContactRow, key: Key) -> None:
    """T13: a case, if another active contact has this value too."""
    owners = world.owners_of(key)
    if len(owners) > 1:
        others = [other.id for other in other_active(world, contact, key)]
        if others:
            world.open_case(key, "shared", [contact.id, *others])


def other_active(world: World, contact: ContactRow, key: Key) -> list[ContactRow]:
    found = (world.follow(owner) for owner in world.owners_of(key) if owner != contact.id)
    return [other for other in found if other is not None and other.values["state"] == ACTIVE]


def clear_in(world: World, contact: ContactRow, column: str) -> None:
    """Empty a column; an identifier lets go, and a further one that a merge brought becomes primary."""
    if column.startswith("fields."):
        key = column.removeprefix("fields.")
        current = contact["attributes"].get(key)
        if current is not None:
            _release_custom_key(world, contact, key, current)
            world.set_attribute(contact, key, None)
        return
    current = contact[column]
    if current is None:
        return
    if column == "contact_key":
        _release_custom_key(world, contact, column, current)
    kind = next((kind for kind, name in PRIMARY_COLUMNS.items() if name == column), None)
    if kind is None:
        world.set_value(contact, column, None)
        return
    world.detach(contact, primary_key_of(kind, current))
    step_down(world, contact, kind)


def step_down(world: World, contact: ContactRow, kind: Kind) -> None:
    """The primary value went: a further one takes its place, or none, with the state of the address."""
    column = PRIMARY_COLUMNS[kind]
    world.set_value(contact, column, primary_of(world.keys_held_by(contact), kind))
    if column in CHANNEL_COLUMNS:
        _settle_channel(world, contact, kind, column)


def _settle_channel(world: World, contact: ContactRow, kind: Kind, column: str) -> None:
    """T12: the state belongs to the value, so a further one that became primary brings its own; no value has none."""
    key, name = world.primary_key(contact, kind), CHANNEL_COLUMNS[column]
    parts: tuple[Any, Any, Any] = (None, None, None)
    if key is not None:
        world.owners_of(key)  # loaded, and with it what is known of the address
        state, reason = world.suppressed.get(key, (STATE_ACTIVE, None))
        parts = (state, world.moment, reason)
    for part, value in zip(("", "_at", "_reason"), parts, strict=True):
        world.set_value(contact, name + part, value)


def _release_custom_key(world: World, contact: ContactRow, app: str, current: Any) -> None:
    old = custom_key(app, current)
    if old in world.keys_held_by(contact):
        world.detach(contact, old)
