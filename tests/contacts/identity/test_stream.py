"""A stream of batches, each decided while the one before is written, ends as the same batches one after the other."""

import random
import threading
from collections import Counter

import pytest
from django.db import connection

from contacts.identity import resolve, resolve_stream
from contacts.identity.settings import read_settings
from contacts.identity.types import API, IMPORT, Status
from contacts.models import Change, Contact, DuplicateCase, Identifier
from contacts.normalize import normalize

pytestmark = pytest.mark.django_db(transaction=True)

BATCH = 300  # above what a batch needs to close the gate


def random_batches(seed, *, batches=8, people=500):
    """Records that meet each other within and across batches in every way."""
    choose = random.Random(seed)
    schema = read_settings().schema
    made = []
    for number in range(batches):
        batch = []
        for row in range(BATCH):
            person = choose.randrange(people)
            raw = {"first_name": choose.choice(("Ann", "Bob", "Cem"))}
            if choose.random() < 0.8:
                raw["external_id"] = f"X{person}"
            if choose.random() < 0.6:
                raw["email"] = f"p{person if choose.random() < 0.9 else choose.randrange(people)}@example.com"
            if choose.random() < 0.3:
                raw["phone"] = f"+38050{person:07d}"
            if choose.random() < 0.2:
                raw["identifiers"] = [{"kind": "device", "value": f"d{choose.randrange(people)}"}]
            batch.append(normalize(raw, schema, number * BATCH + row))
        made.append(batch)
    return made


def end_state():
    """Everything but ids and times; contacts are named by what they hold."""
    held = {}
    for contact_id, *key in Identifier.objects.values_list("contact_id", "kind", "app", "value"):
        held.setdefault(contact_id, []).append(tuple(key))
    names = {contact_id: tuple(sorted(keys)) for contact_id, keys in held.items()}
    contacts = Counter(
        (row.state, row.external_id, row.email, row.phone, row.first_name, row.identifier_kinds, names.get(row.pk))
        for row in Contact.objects.all()
    )
    changes = Counter(
        (
            names.get(row.contact_id),
            row.kind,
            row.matched_by,
            str(without_times(row.before)),
            str(without_times(row.after)),
        )
        for row in Change.objects.exclude(kind="merged")
    )
    cases = Counter((row.kind, row.value, len(row.contact_ids)) for row in DuplicateCase.objects.all())
    return contacts, changes, cases


def without_times(side):
    return side and {column: value for column, value in side.items() if not column.endswith("_at")}


def clear():
    for model in (Contact, Identifier, Change, DuplicateCase):
        model.objects.all().delete()


@pytest.mark.parametrize("seed", range(6))
def test_a_stream_ends_as_the_same_batches_one_after_the_other(seed):
    batches = random_batches(seed)
    expected = [outcome.status for batch in batches for outcome in resolve(batch, IMPORT, by="import:1")]
    one_after_the_other = end_state()
    clear()

    streamed = [outcome for outcomes in resolve_stream(batches, IMPORT, by="import:1") for outcome in outcomes]

    assert [outcome.status for outcome in streamed] == expected
    assert end_state() == one_after_the_other


def test_a_stream_sees_what_others_write_between_its_batches():
    batches = random_batches(7, batches=12, people=3_000)
    schema = read_settings().schema
    rivals = [normalize({"external_id": f"X{person}", "last_name": "Rival"}, schema) for person in range(0, 3_000, 3)]
    errors = []

    def write_as_a_rival():
        try:
            for start in range(0, len(rivals), 5):
                resolve(rivals[start : start + 5], API, by="key:1")
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    rival = threading.Thread(target=write_as_a_rival)
    rival.start()
    outcomes = [outcome for done in resolve_stream(batches, IMPORT, by="import:1") for outcome in done]
    rival.join()

    assert not errors
    assert not [outcome for outcome in outcomes if outcome.status == Status.FAILED and outcome.code != "key_missing"]
    external_ids = Counter(Contact.objects.filter(state=1).values_list("external_id", flat=True))
    del external_ids[None]
    assert set(external_ids.values()) == {1}
    named = Contact.objects.filter(last_name="Rival").count()
    assert named == len(rivals)


def test_a_stream_stops_with_the_error_of_the_batch_that_failed():
    batches = random_batches(3, batches=3)

    def refuse(outcomes):
        if outcomes[0].ref >= BATCH:
            raise LookupError("no more")

    with pytest.raises(LookupError):
        list(resolve_stream(batches, IMPORT, by="import:1", within=refuse))
    assert Change.objects.exists()
