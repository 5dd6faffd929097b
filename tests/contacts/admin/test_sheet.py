"""The contact sheet: add, edit, meet somebody who has the value already, two people at once, delete, restore, erase."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from contacts.admin.merging import compare_url
from contacts.admin.sheet import ChangedMeanwhile, SheetForm
from contacts.identity import delete_contacts, resolve
from contacts.identity.types import API
from contacts.models import Change, Contact, ContactState, CustomField, DuplicateCase, FieldType, Identifier, Policy
from tests.people import change, deleted, erased, have, merged

OLENA = have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena", "town": "Kyiv"})
BOHDAN = have("bohdan", {"external_id": "B-1", "email": "bohdan@example.com", "first_name": "Bohdan"})


def sheet_url(contact_id, action="change"):
    return reverse(f"admin:contacts_contact_{action}", args=[contact_id])


# Editing


def test_only_what_was_changed_is_written_and_journalled(play, open_sheet, admin_user):
    play(OLENA)

    sheet = open_sheet("olena").save(first_name="Olenka", postcode="01001")

    assert sheet.was_saved
    assert sheet.messages == ["The contact was saved."]
    entry = Change.objects.filter(contact_id=sheet.contact_id).latest("pk")
    assert (entry.by, entry.matched_by) == (f"user:{admin_user.pk}", "id")
    assert entry.after == {"first_name": "Olenka", "postcode": "01001"}
    assert entry.before == {"first_name": "Olena"}


def test_saving_without_a_change_writes_nothing(play, open_sheet):
    play(OLENA)
    sheet = open_sheet("olena")
    before = sheet.contact.updated_at

    sheet.save()

    assert sheet.messages == ["Nothing was changed, so nothing was saved."]
    assert sheet.contact.updated_at == before
    assert Change.objects.filter(contact_id=sheet.contact_id).count() == 1


def test_a_field_is_cleared_by_emptying_it_the_external_id_too(play, open_sheet):
    play(OLENA)

    sheet = open_sheet("olena").save(external_id="", town="")

    assert (sheet.contact.external_id, sheet.contact.town) == (None, None)
    assert not Identifier.objects.filter(value="A-1").exists()


def test_an_external_id_that_somebody_has_is_refused_with_a_link_to_them(play, open_sheet):
    stage = play(OLENA, BOHDAN)

    sheet = open_sheet("olena").save(external_id="B-1", first_name="Olenka")

    [error] = sheet.errors["external_id"]
    assert "Taken" in error
    assert sheet_url(stage.ids["bohdan"]) in error
    assert ">Bohdan</a>" in error
    page = sheet.answer.content.decode()
    assert f'href="{sheet_url(stage.ids["bohdan"])}"' in page
    assert f'href="{compare_url(sheet.contact_id, stage.ids["bohdan"])}"'.replace("&", "&amp;") in page
    assert sheet.values["first_name"] == "Olenka"
    assert sheet.contact.first_name == "Olena"


def test_a_deleted_contact_keeps_its_external_id(play, open_sheet):
    stage = play(OLENA, BOHDAN, deleted("bohdan"))

    sheet = open_sheet("olena").save(external_id="B-1")

    assert sheet_url(stage.ids["bohdan"]) in sheet.errors["external_id"][0]


BAD = [
    ("email", "olena@", "This is no email address"),
    ("email", "test", "identifies nobody"),
    ("phone", "12", "not a phone number"),
    ("external_id", "x" * 101, "at most 100 characters"),
    ("external_id", "null", "identifies nobody"),
    ("first_name", "O" * 41, "at most 40"),
    ("fields.bonus", "many", "whole number"),
    ("fields.birthday", "yesterday", "YYYY-MM-DD"),
]


@pytest.mark.parametrize(("column", "value", "says"), BAD, ids=[f"{column} {value[:6]}" for column, value, _ in BAD])
def test_what_cannot_be_read_is_said_at_its_field(play, open_sheet, column, value, says):
    play(OLENA)
    CustomField.objects.create(key="bonus", label="Bonus", type=FieldType.NUMBER)
    CustomField.objects.create(key="birthday", label="Birthday", type=FieldType.DATE)

    sheet = open_sheet("olena").save({column: value, "town": "Lviv"})

    [error] = sheet.errors[column]
    assert says.lower() in error.lower() or column == "email"
    assert error.endswith(".")
    assert sheet.contact.town == "Kyiv"
    assert sheet.values[column] == value


def test_everything_that_cannot_be_read_is_said_at_once_and_what_is_taken_too(play, open_sheet):
    stage = play(OLENA, BOHDAN)

    sheet = open_sheet("olena").save(email="olena@", phone="12", external_id=" B-1")

    assert set(sheet.errors) == {"email", "phone", "external_id"}
    assert sheet_url(stage.ids["bohdan"]) in sheet.errors["external_id"][0]


def test_a_phone_is_kept_in_one_writing(play, open_sheet):
    play(OLENA)

    sheet = open_sheet("olena").save(phone="050 111-22-33")

    assert sheet.contact.phone == "+380501112233"


def test_an_email_that_somebody_else_has_is_shared_and_shown_as_a_case(play, open_sheet, admin_client):
    stage = play(OLENA, BOHDAN)

    sheet = open_sheet("olena").save(email="bohdan@example.com")

    page = admin_client.get(sheet.url).content.decode()
    assert "is also on:" in page
    assert sheet_url(stage.ids["bohdan"]) in page
    case = DuplicateCase.objects.get()
    dismiss = reverse("admin:contacts_duplicatecase_dismiss", args=[case.pk])
    assert admin_client.post(dismiss, {"contact": sheet.contact_id}).url == sheet.url
    assert "is also on:" not in admin_client.get(sheet.url).content.decode()


def test_an_email_that_the_policy_lets_nobody_share_is_refused_at_its_field_and_the_rest_is_saved(play, open_sheet):
    Policy(external_ids_may_share_channels=False).save()
    stage = play(OLENA, BOHDAN)

    sheet = open_sheet("olena").save(email="bohdan@example.com", town="Lviv")

    [error] = sheet.errors["email"]
    assert "Taken" in error
    assert sheet_url(stage.ids["bohdan"]) in error
    assert compare_url(sheet.contact_id, stage.ids["bohdan"]).replace("&", "&amp;") in error
    assert (sheet.contact.email, sheet.contact.town) == ("olena@example.com", "Lviv")
    assert (sheet.values["email"], sheet.values["town"]) == ("bohdan@example.com", "Lviv")
    assert sheet.save(email="olena.k@example.com").was_saved
    assert sheet.contact.email == "olena.k@example.com"


def test_custom_fields_of_every_type_go_in_and_out_unchanged(play, open_sheet):
    values = {
        "card": (FieldType.TEXT, "LC-1", "LC-1", []),
        "notes": (FieldType.LONG_TEXT, "One\r\nTwo", "One\nTwo", []),
        "bonus": (FieldType.NUMBER, "12", 12, []),
        "rate": (FieldType.DECIMAL, "0.1", 0.1, []),
        "vip": (FieldType.BOOLEAN, "false", False, []),
        "birthday": (FieldType.DATE, "1990-03-09", "1990-03-09", []),
        "visit": (FieldType.DATETIME, "2026-05-01T09:30", "2026-05-01T09:30:00.000000Z", []),
        "level": (FieldType.CHOICE, "Gold", "Gold", ["Silver", "Gold"]),
        "likes": (FieldType.CHOICES, ["Books", "Music"], ["Books", "Music"], ["Books", "Music", "Sport"]),
    }
    for key, (kind, _typed, _stored, options) in values.items():
        CustomField.objects.create(key=key, label=key.title(), type=kind, options=options, group="Shop")
    play(OLENA)

    sheet = open_sheet("olena").save(
        {f"fields.{key}": typed for key, (_kind, typed, _stored, _options) in values.items()}
    )

    assert sheet.was_saved
    assert sheet.contact.attributes == {key: stored for key, (_kind, _typed, stored, _options) in values.items()}
    changes = Change.objects.filter(contact_id=sheet.contact_id)
    assert open_sheet("olena").save().messages == ["Nothing was changed, so nothing was saved."]
    assert changes.count() == 2
    open_sheet("olena").save({f"fields.{key}": "" for key in values if key != "likes"} | {"fields.likes": []})
    assert sheet.contact.attributes == {}


def test_an_option_that_is_no_option_any_more_stays_until_it_is_changed(play, open_sheet):
    level = CustomField.objects.create(key="level", label="Level", type=FieldType.CHOICE, options=["Silver", "Gold"])
    play(have("olena", {"external_id": "A-1", "fields.level": "Gold"}))
    level.options = ["Silver"]
    level.save()

    sheet = open_sheet("olena").save(first_name="Olenka")

    assert sheet.was_saved
    assert sheet.contact.attributes == {"level": "Gold"}


def test_a_required_custom_field_is_asked_for(play, open_sheet):
    CustomField.objects.create(key="branch", label="Branch", required=True)
    play(OLENA)

    assert "fields.branch" in open_sheet("olena").save(first_name="Olenka").errors


# Two people at once


def test_what_only_the_other_one_changed_stays_theirs(play, open_sheet):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    change("olena", {"town": "Lviv"})(stage)

    sheet.save(first_name="Olenka")

    assert (sheet.contact.first_name, sheet.contact.town) == ("Olenka", "Lviv")
    assert any("Meanwhile" in message and "Town" in message for message in sheet.messages)


def test_a_field_that_both_changed_is_shown_rather_than_overwritten(play, open_sheet, admin_user):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    ayse = resolve([{"id": stage.ids["olena"], "town": "Lviv", "region": "Galicia"}], API, by=f"user:{admin_user.pk}")
    assert ayse[0].after == {"town": "Lviv", "region": "Galicia"}

    sheet.save(town="Odesa", first_name="Olenka")

    [error] = sheet.errors["town"]
    assert "“Lviv”" in error
    assert error.startswith(admin_user.get_username())
    assert sheet.contact.town == "Lviv"
    assert sheet.contact.first_name == "Olena"
    assert (sheet.values["town"], sheet.values["first_name"]) == ("Odesa", "Olenka")
    assert sheet.values["region"] == "Galicia"

    sheet.save()

    assert sheet.was_saved
    assert (sheet.contact.town, sheet.contact.first_name, sheet.contact.region) == ("Odesa", "Olenka", "Galicia")


def test_both_wrote_the_same_and_nobody_is_bothered(play, open_sheet):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    change("olena", {"town": "Lviv"})(stage)

    assert sheet.save(town="Lviv").was_saved


def test_a_field_set_back_meanwhile_is_no_conflict(play, open_sheet):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    change("olena", {"town": "Lviv"})(stage)
    change("olena", {"town": "Kyiv"})(stage)

    assert sheet.save(town="Odesa").was_saved


def test_a_bad_value_beside_a_meanwhile_change_does_not_take_that_change_back(play, open_sheet):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    change("olena", {"town": "Lviv"})(stage)

    sheet.save(phone="12")
    sheet.save(phone="050 111 22 33")

    assert (sheet.contact.town, sheet.contact.phone) == ("Lviv", "+380501112233")


def test_what_changed_between_reading_and_writing_is_not_overwritten(play, open_sheet, admin_client):
    stage = play(OLENA)
    sheet = open_sheet("olena")
    data = QueryDict(mutable=True)
    data.update({**sheet.values, "town": "Odesa"})
    form = SheetForm([], contact=sheet.contact, last_change=int(sheet.values["seen"]), data=data)
    assert form.is_valid()
    change("olena", {"town": "Lviv"})(stage)

    with pytest.raises(ChangedMeanwhile):
        form.save(by="user:1")

    assert sheet.contact.town == "Lviv"


def test_deleted_or_merged_meanwhile_nothing_is_saved(play, open_sheet, admin_client):
    stage = play(OLENA, BOHDAN)
    sheet, other = open_sheet("olena"), open_sheet("bohdan")
    delete_contacts([stage.ids["olena"]], by="user:1")
    sheet.save(first_name="Olenka")

    assert (sheet.contact.state, sheet.contact.first_name) == (ContactState.DELETED, "Olena")

    admin_client.post(sheet_url(stage.ids["olena"], "restore"))
    merged("olena", "bohdan")(stage)
    other.save(first_name="Bo")

    assert other.answer.url == sheet.url
    assert any("What you wrote was not saved" in message for message in other.messages)


# Adding


def test_a_contact_is_added(open_sheet, admin_user):
    sheet = open_sheet().save(external_id="A-1", email="Olena@Example.com", first_name="Olena")

    contact = Contact.objects.get()
    assert sheet.answer.url == sheet_url(contact.pk)
    assert (contact.email, contact.source, contact.made_deliberately) == ("Olena@Example.com", "sheet", True)
    assert Change.objects.get().by == f"user:{admin_user.pk}"


TAKEN = [
    ({"external_id": "B-1"}, "external_id"),
    ({"email": "BOHDAN@example.com"}, "email"),
    ({"first_name": "Bohdan", "phone": "067 222 33 44"}, "phone"),
    ({"contact_key": "K-1"}, "contact_key"),
    ({"fields.card": "LC-1"}, "fields.card"),
]


@pytest.mark.parametrize("state", ["active", "deleted"])
@pytest.mark.parametrize(("typed", "column"), TAKEN, ids=[column for _, column in TAKEN])
def test_who_is_there_already_is_not_added_again(play, open_sheet, typed, column, state):
    CustomField.objects.create(key="card", label="Card", can_be_key=True)
    bohdan = {"external_id": "B-1", "email": "bohdan@example.com", "phone": "+380672223344", "contact_key": "K-1"}
    stage = play(
        have("bohdan", {**bohdan, "fields.card": "LC-1"}), *([deleted("bohdan")] if state == "deleted" else [])
    )

    sheet = open_sheet().save(typed)

    [error] = sheet.errors[column]
    assert "Taken" in error
    assert sheet_url(stage.ids["bohdan"]) in error
    assert Contact.objects.count() == 1


def test_an_empty_sheet_is_no_contact(open_sheet):
    assert open_sheet().save().errors["__all__"] == ["Fill in at least one field."]
    assert not Contact.objects.exists()


def test_somebody_without_any_identifier_can_be_added(open_sheet):
    assert open_sheet().save(first_name="Olena").was_saved


# Deleting, restoring, erasing


def test_a_contact_is_deleted_after_a_question_and_its_sheet_offers_to_restore_it(play, admin_client, open_sheet):
    stage = play(OLENA)
    pk = stage.ids["olena"]

    question = admin_client.get(sheet_url(pk, "delete"))
    assert "Delete “Olena”?" in question.content.decode()
    admin_client.post(sheet_url(pk, "delete"), {"post": "yes"})

    sheet = open_sheet("olena")
    assert sheet.contact.state == ContactState.DELETED
    assert "This contact was deleted" in sheet.answer.content.decode()
    assert 'name="_save"' not in sheet.answer.content.decode()
    assert admin_client.post(sheet_url(pk, "restore")).url == sheet.url
    assert sheet.contact.state == ContactState.ACTIVE


def test_restoring_is_no_link(play, admin_client):
    stage = play(OLENA, deleted("olena"))

    assert admin_client.get(sheet_url(stage.ids["olena"], "restore")).status_code == 403


def test_erasing_asks_for_the_number_and_leaves_nothing(play, admin_client):
    stage = play(OLENA)
    pk = stage.ids["olena"]
    erase = sheet_url(pk, "erase")

    assert "Nothing was erased" in admin_client.post(erase, {"number": "1" + str(pk)}).content.decode()
    assert admin_client.post(erase, {"number": str(pk)}).status_code == 302

    answer = admin_client.get(sheet_url(pk))
    assert answer.status_code == 404
    assert "It was erased." in answer.content.decode()
    assert "Olena" not in answer.content.decode()
    assert admin_client.post(erase, {"number": str(pk)}).status_code == 404


def test_no_log_of_djangos_keeps_the_name_of_a_contact(play, open_sheet, admin_client):
    stage = play(OLENA)
    open_sheet().save(first_name="Taras")
    open_sheet("olena").save(town="Lviv")
    admin_client.post(sheet_url(stage.ids["olena"], "delete"), {"post": "yes"})

    assert not LogEntry.objects.exists()


# Who is not there


def test_a_merged_contact_is_found_at_its_survivor(play, admin_client):
    stage = play(OLENA, BOHDAN, merged("olena", "bohdan"))

    answer = admin_client.get(sheet_url(stage.ids["bohdan"]), follow=True)

    assert answer.redirect_chain == [(sheet_url(stage.ids["olena"]), 302)]
    assert f"Contact {stage.ids['bohdan']} was merged into this one." in answer.content.decode()


@pytest.mark.parametrize("number", ["999999", "0", "abc", "9" * 30, "1_3A"])
@pytest.mark.parametrize("action", ["change", "delete"])
def test_an_unknown_contact_is_said_to_be_so(admin_client, number, action):
    answer = admin_client.get(sheet_url(number, action))

    assert answer.status_code == 404
    assert "There is no contact" in answer.content.decode()


def test_an_erased_contact_has_no_pages(play, admin_client):
    stage = play(OLENA, erased("olena"))

    for action in ("change", "delete", "erase"):
        assert admin_client.get(sheet_url(stage.ids["olena"], action)).status_code == 404


# What the sheet shows


def test_the_sheet_tells_where_everything_came_from(play, admin_client, admin_user):
    stage = play(
        OLENA,
        have(
            "device", {"identifiers": [{"kind": "device", "app": "shop", "value": "dev-1", "details": {"os": "iOS"}}]}
        ),
        have("oksana", {"external_id": "A-2", "email": "oksana@example.com"}),
        merged("olena", "oksana"),
    )
    resolve([{"id": stage.ids["olena"], "town": "Lviv"}], API, by=f"user:{admin_user.pk}")

    pages = {
        tab: admin_client.get(sheet_url(stage.ids["olena"], tab)).content.decode() for tab in ("identifiers", "journal")
    }

    assert "oksana@example.com" in pages["identifiers"]
    for text in ("by contact ID", "Lviv", "was merged into this one", admin_user.get_username()):
        assert text in pages["journal"]
    assert reverse("admin:contacts_merge_undo", args=[stage.merges["oksana"]]) in pages["journal"]


def test_older_changes_are_read_a_page_at_a_time(play, admin_client):
    stage = play(OLENA, *(change("olena", {"town": f"Town {number}"}) for number in range(40)))

    first = admin_client.get(sheet_url(stage.ids["olena"], "journal"))
    assert "Town 39" in first.content.decode()
    assert "Town 10" not in first.content.decode()
    older = admin_client.get(
        sheet_url(stage.ids["olena"], "journal"), {"before": first.context["older"]}
    ).content.decode()

    assert "Town 10" in older
    assert "older-changes" not in older


def test_what_people_wrote_is_never_markup(play, admin_client):
    stage = play(have("olena", {"external_id": "A-1", "first_name": "<script>x</script>", "town": "<b>"}))
    change("olena", {"town": "<i>"})(stage)

    for page in (sheet_url(stage.ids["olena"]), reverse("admin:contacts_contact_changelist")):
        text = admin_client.get(page).content.decode()
        assert "<script>x" not in text
        assert "<b>" not in text


def test_a_rich_sheet_takes_a_bounded_number_of_statements(play, admin_client, django_assert_max_num_queries):
    for number in range(10):
        CustomField.objects.create(key=f"field{number}", label=f"Field {number}")
    stage = play(
        OLENA,
        BOHDAN,
        merged("olena", "bohdan"),
        *(change("olena", {"town": f"Town {number}", f"fields.field{number % 10}": "x"}) for number in range(30)),
    )
    admin_client.get(sheet_url(stage.ids["olena"]))

    with django_assert_max_num_queries(12):
        admin_client.get(sheet_url(stage.ids["olena"]))


# Permissions


@pytest.fixture
def reader_client(django_user_model):
    user = django_user_model.objects.create_user("ayşe", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client = Client()
    client.force_login(user)
    return client


def test_who_may_only_read_changes_nothing(play, reader_client, open_sheet):
    stage = play(OLENA, BOHDAN, merged("olena", "bohdan"))
    pk = stage.ids["olena"]
    sheet = open_sheet("olena", client=reader_client)

    assert 'name="_save"' not in sheet.answer.content.decode()
    for verb in ("delete", "erase"):
        assert f'href="{sheet_url(pk, verb)}"' not in sheet.answer.content.decode()
    assert "Olena" in sheet.answer.content.decode()
    for url, data in [
        (sheet.url, {"first_name": "X"}),
        (reverse("admin:contacts_contact_add"), {"first_name": "X"}),
        (sheet_url(pk, "delete"), {"post": "yes"}),
        (sheet_url(pk, "restore"), {}),
        (sheet_url(pk, "erase"), {"number": str(pk)}),
        (reverse("admin:contacts_merge_undo", args=[stage.merges["bohdan"]]), {}),
    ]:
        assert reader_client.post(url, data).status_code == 403, url
    action = {"action": "delete_selected", "post": "yes", "_selected_action": [pk]}
    reader_client.post(reverse("admin:contacts_contact_changelist"), action)
    assert sheet.contact.state == ContactState.ACTIVE


def test_who_may_see_nothing_learns_nothing(play, django_user_model):
    stage = play(OLENA, BOHDAN, merged("olena", "bohdan"))
    client = Client()
    client.force_login(django_user_model.objects.create_user("wei", is_staff=True))

    for pk in (stage.ids["olena"], stage.ids["bohdan"], 999_999):
        for action in ("change", "delete", "erase", "journal", "identifiers", "activity", "segments"):
            assert client.get(sheet_url(pk, action)).status_code == 403, (pk, action)
