"""What a list shows and what a job works on is one condition, kept as JSON in between."""

import json

import pytest
from django.http import QueryDict

from contacts import populations
from contacts.custom_filters import UnknownCondition
from contacts.identity.types import MOBILE, STANDARD
from contacts.models import ChannelState, Contact, CustomField
from contacts.selections import BrokenSelection, Selection
from segments.catalogue import save_segment
from segments.models import Segment, SegmentType
from tests.people import Stage, deleted, erased, have, merged, set_up_account, suppressed


@pytest.fixture
def stage(db):
    set_up_account(STANDARD)
    for key, kind, options in (
        ("visits", "number", []),
        ("height", "decimal", []),
        ("vip", "boolean", []),
        ("born", "date", []),
        ("met", "datetime", []),
        ("colour", "choice", ["red", "green"]),
        ("tags", "choices", ["new", "b2b"]),
        ("born_to", "text", []),
    ):
        CustomField(key=key, label=key, type=kind, options=options).save()
    played = Stage()
    for step in PEOPLE:
        step(played)
    return played


PEOPLE = (
    have(
        "olena",
        {
            "external_id": "A-1",
            "email": "olena@example.com",
            "first_name": "Olena",
            "fields.visits": 5,
            "fields.vip": True,
            "fields.born": "1990-05-01",
            "fields.colour": "red",
            "fields.tags": ["new"],
        },
    ),
    have(
        "bohdan",
        {
            "external_id": "A-2",
            "phone": "+380672223344",
            "first_name": "Bohdan",
            "fields.visits": 40,
            "fields.vip": False,
            "fields.height": 1.85,
            "fields.born_to": "Run (fast)",
        },
    ),
    have(
        "amelie",
        {
            "email": "amelie@example.com",
            "first_name": "Amélie",
            "fields.tags": ["new", "b2b"],
            "fields.met": "2026-03-01T22:30:00+00:00",
            "identifiers": [{"kind": "mobile_push", "app": "shop", "value": "push-1"}],
        },
        MOBILE,
    ),
    have("ivan", {"external_id": "A-8", "email": "ivan@example.com", "first_name": "Ivan"}),
    deleted("ivan"),
    have("hanna", {"external_id": "A-9", "email": "hanna@example.com", "first_name": "Hanna"}),
    erased("hanna"),
    have("oksana", {"external_id": "A-7", "email": "oksana@example.com", "first_name": "Oksana"}),
    merged("olena", "oksana"),
    suppressed("amelie@example.com", ChannelState.BOUNCED),
)

CHOSEN = [
    ("", ["Amélie", "Bohdan", "Olena"]),
    ("state=deleted", ["Ivan"]),
    ("state=all", ["Amélie", "Bohdan", "Ivan", "Olena"]),
    ("state=strange", []),
    ("q=ivan@example.com", ["Ivan"]),
    ("q=amelie", ["Amélie"]),
    ("q=A-7", ["Olena"]),
    ("q=nobody", []),
    ("has_external_id=no", ["Amélie"]),
    ("has_external_id=yes&has_email=yes", ["Olena"]),
    ("has_phone=yes&has_phone=no", ["Amélie", "Bohdan", "Olena"]),
    ("has_phone=perhaps", []),
    ("channel=mobile_push", ["Amélie"]),
    ("channel=phone&channel=telegram", ["Bohdan"]),
    ("channel=pigeon", []),
    ("email_state=bounced", ["Amélie"]),
    ("email_state=bounced&email_state=active", ["Amélie", "Olena"]),
    ("email_state=angry", []),
    ("phone_state=active", ["Bohdan"]),
    ("source=mobile", ["Amélie"]),
    ("source=api&source=mobile", ["Amélie", "Bohdan", "Olena"]),
    ("import=999999999999999999999999", []),
    ("segment=999999", []),
    ("segment=everybody", []),
    ("created_from=-1d", ["Amélie", "Bohdan", "Olena"]),
    ("created_to=1999-12-31", []),
    ("changed_from=2999-01-01", []),
    ("changed_to=9999-12-31&changed_from=0001-01-01", ["Amélie", "Bohdan", "Olena"]),
    ("created_from=yesterday", []),
    ("fields.visits_from=5&fields.visits_to=39", ["Olena"]),
    ("fields.visits_from=6", ["Bohdan"]),
    ("fields.visits_from=many", []),
    ("fields.height_from=1,8", ["Bohdan"]),
    ("fields.vip=yes", ["Olena"]),
    ("fields.vip=no", ["Bohdan"]),
    ("fields.vip=maybe", []),
    ("fields.born_from=1990-05-01&fields.born_to=1990-05-01", []),
    ("fields.born_from=1990-05-01", ["Olena"]),
    ("fields.born_to=run (", ["Bohdan"]),
    ("fields.met_from=2026-03-01&fields.met_to=2026-03-01", ["Amélie"]),
    ("fields.colour=red", ["Olena"]),
    ("fields.colour=green", []),
    ("fields.colour=blue", []),
    ("fields.tags=new", ["Amélie", "Olena"]),
    ("fields.tags=b2b", ["Amélie"]),
    ("p=3&o=1&view=7&columns=name&strange=1&source=mobile", ["Amélie"]),
    ("source=&q=%20&has_phone=yes", ["Bohdan"]),
    ("q=%00", ["Amélie", "Bohdan", "Olena"]),
]


def names(selection):
    return sorted(selection.contacts().values_list("first_name", flat=True))


@pytest.mark.parametrize(("address", "found"), CHOSEN, ids=[address or "nothing" for address, _ in CHOSEN])
def test_an_address_means_the_same_contacts_read_back_from_json(stage, address, found):
    selection = Selection.from_query(QueryDict(address))
    again = Selection.from_json(json.loads(json.dumps(selection.as_json())))

    assert names(selection) == names(again) == found


def test_ids_mean_those_of_them_that_are_sheets(stage):
    chosen = Selection(ids=tuple(stage.ids[name] for name in ("olena", "ivan", "hanna", "oksana")))

    assert names(chosen) == names(Selection.from_json(chosen.as_json())) == ["Ivan", "Olena"]
    assert names(Selection(ids=())) == []
    assert not chosen.is_whole


def test_only_a_selection_without_conditions_is_the_whole_list(stage):
    assert Selection.from_query(QueryDict("p=2&source=")).is_whole
    assert not Selection.from_query(QueryDict("source=api")).is_whole
    assert not Selection(ids=()).is_whole


def test_segments_of_any_type_narrow_and_several_narrow_each(stage):
    keeper = populations.current()
    keeper.add("By hand", [stage.ids["olena"], stage.ids["bohdan"]], by="user:1")
    by_hand = keeper.find("By hand")
    definition = {"version": 1, "match": {"field": "phone", "op": "is_empty"}}
    dynamic = save_segment(Segment(name="No phone", type=SegmentType.DYNAMIC, definition=definition))

    assert names(Selection(conditions={"segment": str(by_hand)})) == ["Bohdan", "Olena"]
    assert names(Selection(conditions={"segment": str(dynamic.pk)})) == ["Amélie", "Olena"]
    assert names(Selection(conditions={"segment": [str(by_hand), str(dynamic.pk)], "has_email": "yes"})) == ["Olena"]


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"ids": "1"}, {"ids": [True]}, {"ids": [1], "conditions": {}}, {"conditions": []},
        {"conditions": {"source": ""}}, {"conditions": {"source": [1]}}, {"conditions": {"source": {}}},
        {"conditions": {"source": []}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_selection_is_refused_and_never_means_everybody(data):
    with pytest.raises(BrokenSelection):
        Selection.from_json(data)


def test_a_condition_that_is_not_known_is_refused(stage):
    with pytest.raises(UnknownCondition):
        Selection.from_json({"conditions": {"shoe_size": "42"}})
    gone = Selection.from_json({"conditions": {"fields.gone": "42"}})
    with pytest.raises(UnknownCondition):
        gone.contacts()
    with pytest.raises(UnknownCondition):
        Selection(conditions={"fields.colour_from": "red"}).contacts()


def test_jobs_can_go_through_a_selection_by_id(stage):
    found = Selection(conditions={"q": "olena"}).contacts().order_by("pk")

    assert [contact.first_name for contact in found.filter(pk__gt=0)[:10]] == ["Olena"]
    assert Contact.objects.filter(pk__in=found.values("pk")).count() == 1
