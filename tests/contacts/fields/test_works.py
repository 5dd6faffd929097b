"""A custom field that has values becomes another one: checked first, journalled, taken back where it fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from contacts import fields, identity
from contacts.fields.carry_out import carry_out
from contacts.fields.references import column_with
from contacts.identity.settings import forget_settings
from contacts.identity.types import API, IMPORT
from contacts.models import Account, Change, Contact, CustomField, FieldWork, Identifier, Policy, Webhook, WorkStatus
from segments.catalogue import save_segment
from segments.membership import members
from segments.models import Segment
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db

BY = "user:1"
EMAILS = {"olena": "olena@example.com", "bohdan": "bohdan@example.com", "taras": "taras@example.com"}


@pytest.fixture(autouse=True)
def fresh_settings() -> Any:
    forget_settings()
    yield
    forget_settings()


def make_field(key: str = "size", type: str = "text", **more: Any) -> CustomField:  # noqa: A002
    return CustomField.objects.create(key=key, label=key.capitalize(), type=type, **more)


def give(name: str, value: Any, key: str = "size") -> int:
    """The contact of that name, with a value."""
    [outcome] = identity.resolve([{"email": EMAILS[name], f"fields.{key}": value}], API, by=BY)
    assert outcome.contact_id is not None
    return outcome.contact_id


def value_of(contact_id: int, key: str = "size") -> Any:
    return Contact.objects.get(pk=contact_id).attributes.get(key)


def done(work: FieldWork | None) -> FieldWork:
    assert work is not None
    assert carry_out(work)
    work.refresh_from_db()
    return work


def test_texts_become_numbers_and_the_journal_says_who_did_it():
    size = make_field()
    olena, bohdan = give("olena", "042"), give("bohdan", "7")

    work = done(fields.change_type(size, type="number", by="user:7"))

    assert (work.status, work.changed) == (WorkStatus.DONE, 2)
    assert [value_of(olena), value_of(bohdan)] == [42, 7]
    size.refresh_from_db()
    assert size.type == "number"
    change = Change.objects.filter(contact_id=olena).latest("id")
    assert (change.by, change.before, change.after) == ("user:7", {"fields.size": "042"}, {"fields.size": 42})
    assert value_of(give("taras", "12")) == 12


def test_a_type_that_does_not_fit_all_values_is_refused_with_the_rows_that_do_not():
    size = make_field()
    olena, bohdan = give("olena", "42"), give("bohdan", "large")

    survey = fields.survey_conversion("size", column_with(size, type="number", options=()))
    work = done(fields.change_type(size, type="number", by=BY))

    assert (survey.values, survey.fitting, survey.is_whole) == (2, 1, True)
    assert [trouble.contact for trouble in survey.troubles] == [bohdan]
    assert work.status == WorkStatus.REFUSED
    assert [(row["contact"], row["value"]) for row in work.troubles] == [(bohdan, "large")]
    assert work.trouble_count == 1
    assert value_of(olena) == "42"
    size.refresh_from_db()
    assert size.type == "text"


def test_who_is_erased_is_struck_out_of_the_rows_that_do_not_fit():
    size = make_field()
    olena, bohdan = give("olena", "small"), give("bohdan", "large")
    work = done(fields.change_type(size, type="number", by=BY))
    assert {row["contact"] for row in work.troubles} == {olena, bohdan}

    identity.erase_contacts([olena], by=BY)

    work.refresh_from_db()
    assert [row["contact"] for row in work.troubles] == [bohdan]


def test_a_value_that_came_in_after_the_check_takes_everything_back_as_it_was():
    size = make_field()
    olena, bohdan = give("olena", "042"), give("bohdan", "7")
    work = fields.change_type(size, type="number", by=BY)
    stops = iter([False])
    assert not carry_out(work, may_go_on=lambda: next(stops, True))  # checked, not converted yet
    assert work.status == WorkStatus.CHECKING
    taras = give("taras", "large")
    FieldWork.objects.filter(pk=work.pk).update(mark=taras)  # as if it had come just behind the check
    work.refresh_from_db()

    work = done(work)

    assert work.status == WorkStatus.FAILED
    assert [row["contact"] for row in work.troubles] == [taras]
    assert [value_of(pk) for pk in (olena, bohdan, taras)] == ["042", "7", "large"]
    size.refresh_from_db()
    assert size.type == "text"


def test_deleted_and_merged_contacts_are_converted_too():
    size = make_field()
    olena, bohdan, taras = (give(name, "7") for name in EMAILS)
    identity.delete_contacts([olena], by=BY)
    merge = identity.merge_contacts(bohdan, taras, by=BY)

    done(fields.change_type(size, type="number", by=BY))

    assert value_of(olena) == 7
    identity.undo_merge(merge, by=BY)
    assert value_of(taras) == 7


def test_a_work_that_was_stopped_goes_on_where_it_was():
    size = make_field()
    ids = [give(name, str(number)) for number, name in enumerate(EMAILS)]
    work = fields.change_type(size, type="number", by=BY)

    while not carry_out(work, may_go_on=lambda: False):
        work = FieldWork.objects.get(pk=work.pk)

    assert FieldWork.objects.get(pk=work.pk).status == WorkStatus.DONE
    assert [value_of(pk) for pk in ids] == [0, 1, 2]
    assert Change.objects.filter(contact_id__in=ids, details__has_key="work").count() == 3


def test_only_one_work_at_a_time_is_asked_for():
    size = make_field()
    give("olena", "42")
    fields.change_type(size, type="number", by=BY)

    with pytest.raises(fields.FieldBusy):
        fields.remove_field(size, by=BY)


def test_a_segment_that_could_not_be_read_any_more_stands_in_the_way():
    size = make_field()
    give("olena", "42")
    condition = ask("fields.size", "starts_with", "4")
    save_segment(Segment(name="Sized", definition=define(condition)))

    with pytest.raises(fields.FieldInUse) as refused:
        fields.change_type(size, type="number", by=BY)

    assert "“Sized”" in refused.value.message


def test_the_birthday_stays_a_date():
    born = make_field("born", "date")
    Policy.objects.create(birthday_field=born)

    with pytest.raises(fields.FieldInUse):
        fields.change_type(born, type="text", by=BY)
    with pytest.raises(fields.FieldInUse):
        fields.remove_field(born, by=BY)


# Options


def test_values_and_segments_follow_an_option_that_is_renamed():
    tier = make_field("tier", "choices", options=["Gold", "Silver"])
    olena = give("olena", ["Silver", "Gold"], "tier")
    condition = ask("fields.tier", "contains_any", ["Silver"])
    segment = Segment(name="Silver ones", definition=define(condition))
    save_segment(segment)

    work = fields.change_options(tier, ["Gold", "Second"], renamed={"Silver": "Second"}, by=BY)
    done(work)

    assert value_of(olena, "tier") == ["Second", "Gold"]
    segment.refresh_from_db()
    assert [contact.pk for contact in members(segment)] == [olena]


def test_an_option_that_goes_stays_with_whoever_has_it_unless_it_is_emptied():
    tier = make_field("tier", "choice", options=["Gold", "Silver", "Bronze"])
    olena, bohdan = give("olena", "Silver", "tier"), give("bohdan", "Bronze", "tier")
    assert fields.survey_options("tier", ["Silver", "Bronze"]).found == {"Silver": 1, "Bronze": 1}

    assert fields.change_options(tier, ["Bronze", "Gold"], by=BY) is None
    assert value_of(olena, "tier") == "Silver"
    done(fields.change_options(tier, ["Gold"], emptied=["Bronze"], by=BY))

    assert value_of(bohdan, "tier") is None
    assert value_of(olena, "tier") == "Silver"
    tier.refresh_from_db()
    assert tier.options == ["Gold"]


def test_a_segment_that_names_an_option_keeps_it():
    tier = make_field("tier", "choice", options=["Gold", "Silver"])
    condition = ask("fields.tier", "is", "Silver")
    save_segment(Segment(name="Silver ones", definition=define(condition)))

    with pytest.raises(fields.FieldInUse):
        fields.change_options(tier, ["Gold"], by=BY)


# Keys


def test_values_become_keys_and_find_their_contacts_from_then_on():
    card = make_field("card")
    olena = give("olena", "C-7", "card")
    bohdan = give("bohdan", "unknown", "card")
    survey = fields.survey_keys("card")
    assert (survey.values, survey.fitting, survey.found["shared"]) == (2, 1, 0)

    done(fields.make_key(card, by=BY))

    held = Identifier.objects.filter(app="card").values_list("contact_id", "value")
    assert list(held) == [(olena, "C-7")]
    card.refresh_from_db()
    assert card.can_be_key
    [outcome] = identity.resolve([{"fields.card": "C-7", "town": "Lviv"}], IMPORT, by=BY)
    assert outcome.contact_id == olena
    assert value_of(bohdan, "card") == "unknown"


def test_nobody_is_found_by_a_key_that_is_none_any_more():
    card = make_field("card", can_be_key=True)
    olena = give("olena", "C-7", "card")

    with pytest.raises(fields.FieldIsKey):
        fields.change_type(card, type="number", by=BY)
    done(fields.make_plain(card, by=BY))

    assert not Identifier.objects.filter(app="card").exists()
    assert value_of(olena, "card") == "C-7"
    [outcome] = identity.resolve([{"fields.card": "C-7", "email": "other@example.com"}], API, by=BY)
    assert outcome.contact_id != olena


# Gone


def test_a_deleted_field_leaves_no_value_and_no_key_behind():
    card = make_field("card", can_be_key=True)
    olena = give("olena", "C-7", "card")

    done(fields.remove_field(card, by=BY))

    assert not CustomField.objects.exists()
    assert not Identifier.objects.filter(app="card").exists()
    assert Contact.objects.get(pk=olena).attributes == {}
    assert Change.objects.filter(contact_id=olena).latest("id").before == {"fields.card": "C-7"}


def test_a_field_that_others_need_is_not_deleted_and_they_are_named():
    tier = make_field("tier", "choice", options=["Gold"])
    condition = ask("fields.tier", "is", "Gold")
    save_segment(Segment(name="Golden", definition=define(condition)))
    Webhook.objects.create(name="Shop", url="https://shop.example.com", kinds=["updated"], columns=["fields.tier"])

    with pytest.raises(fields.FieldInUse) as refused:
        fields.remove_field(tier, by=BY)

    assert [(one.kind, one.name) for one in refused.value.references] == [("segment", "Golden"), ("webhook", "Shop")]


def test_a_key_is_free_again_only_when_the_last_value_is_gone():
    give_way = make_field()
    give("olena", "42")
    work = fields.remove_field(give_way, by=BY)
    again = CustomField(key="size", label="Size")

    with pytest.raises(ValidationError):
        again.full_clean()
    done(work)

    again.full_clean()


def test_days_and_moments_become_each_other_in_the_time_zone_of_the_account():
    Account.objects.all().delete()
    Account.objects.create(time_zone="Europe/Kyiv")
    seen = make_field("seen", "datetime")
    olena = give("olena", "2024-05-01T22:30:00Z", "seen")

    done(fields.change_type(seen, type="date", by=BY))

    assert value_of(olena, "seen") == "2024-05-02"
