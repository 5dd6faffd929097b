"""The pages of a custom field: options, another type, a key, deletion; what each would touch is said before."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from contacts.fields.carry_out import carry_out
from contacts.identity import resolve
from contacts.identity.settings import forget_settings
from contacts.identity.types import API
from contacts.models import Contact, ContactExport, CustomField, FieldWork, Policy, WorkStatus
from crm.models import AuditEntry
from segments.catalogue import save_segment
from segments.models import Segment
from tests.segments.table import ask, define

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_settings() -> Any:
    forget_settings()
    yield
    forget_settings()


def make_field(key: str = "size", type: str = "text", **more: Any) -> CustomField:  # noqa: A002
    return CustomField.objects.create(key=key, label=key.capitalize(), type=type, **more)


def give(email: str, **values: Any) -> int:
    record = {"email": f"{email}@example.com", **{f"fields.{key}": value for key, value in values.items()}}
    [outcome] = resolve([record], API, by="user:1")
    assert outcome.contact_id is not None
    return outcome.contact_id


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:contacts_customfield_{name}", args=args)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def finish() -> FieldWork:
    work = FieldWork.objects.latest("pk")
    carry_out(work)
    return work


# Options


def option_form(rows: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    return {
        "label": "Tier",
        "group": "",
        "options-was": [was for was, _text in rows],
        "options-text": [text for _was, text in rows],
        "options-place": [str(place) for place in range(1, len(rows) + 1)],
        **more,
    }


@pytest.fixture
def tier(db: None) -> CustomField:
    return make_field("tier", "choice", options=["Gold", "Silver", "Bronze"])


def test_options_get_another_order_and_new_ones_without_a_question(admin_client, tier):
    rows = [("Silver", "Silver"), ("", "Tin"), ("Gold", "Gold"), ("Bronze", "Bronze"), ("", "")]
    form = option_form(rows)
    form["options-place"] = ["2", "4", "1", "3", "5"]

    assert admin_client.post(page("change", tier.pk), form).status_code == 302

    tier.refresh_from_db()
    assert tier.options == ["Gold", "Silver", "Bronze", "Tin"]
    assert not FieldWork.objects.exists()
    assert AuditEntry.objects.filter(about=f"contacts.customfield:{tier.pk}").exists()


def test_a_renamed_and_a_removed_option_are_asked_about_and_the_values_follow(admin_client, tier):
    olena, bohdan, taras = give("olena", tier="Gold"), give("bohdan", tier="Silver"), give("taras", tier="Bronze")
    form = option_form([("Gold", "First"), ("Silver", ""), ("", "")])

    asked = admin_client.post(page("change", tier.pk), form)

    said = text_of(asked)
    assert "“Gold” becomes “First”. Contacts that have it: 1." in said
    assert "“Silver” is not offered any more. Contacts that have it: 1." in said
    tier.refresh_from_db()
    assert tier.options == ["Gold", "Silver", "Bronze"]

    posted: dict[str, list[str]] = {}
    for name, text in asked.context["posted"]:
        posted.setdefault(name, []).append(text)
    answer = admin_client.post(page("change", tier.pk), {**posted, "_asked": "1", "_emptied": ["Silver"]})
    assert answer.url == page("work", FieldWork.objects.get().pk)
    assert finish().status == WorkStatus.DONE

    tier.refresh_from_db()
    assert tier.options == ["First"]
    assert [Contact.objects.get(pk=pk).attributes.get("tier") for pk in (olena, bohdan, taras)] == [
        "First",
        None,
        "Bronze",
    ]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("Gold", "Same"), ("Silver", "same")], "there twice"),
        ([("Gold", ""), ("Silver", " ")], "at least one option"),
        ([("Gold", "Gold")], "“Silver ones”"),
    ],
)
def test_options_that_could_not_work_are_refused(admin_client, tier, rows, says):
    save_segment(Segment(name="Silver ones", definition=define(ask("fields.tier", "is", "Silver"))))

    answer = admin_client.post(page("change", tier.pk), option_form(rows))

    assert says in " ".join(answer.context["adminform"].form.errors["options"])
    tier.refresh_from_db()
    assert tier.options == ["Gold", "Silver", "Bronze"]


def test_a_field_that_becomes_required_says_who_has_no_value(admin_client):
    size = make_field()
    give("olena", size="42")
    give("bohdan")
    form = {"label": "Size", "group": "", "required": "on"}

    asked = admin_client.post(page("change", size.pk), form)
    assert "Contacts without a value: 1." in text_of(asked)
    admin_client.post(page("change", size.pk), {**form, "_asked": "1"})

    size.refresh_from_db()
    assert size.required


# Another type


def test_the_type_is_changed_after_a_look_at_all_values(admin_client):
    size = make_field()
    olena = give("olena", size="042")
    assert "Look whether the values fit" in text_of(admin_client.get(page("type", size.pk)))

    looked = text_of(admin_client.post(page("type", size.pk), {"type": "number", "_look": "1"}))
    assert "All values can be read as “number”" in looked
    assert Contact.objects.get(pk=olena).attributes == {"size": "042"}

    answer = admin_client.post(page("type", size.pk), {"type": "number", "_go": "1"})
    work = FieldWork.objects.get()
    assert answer.url == page("work", work.pk)
    assert "It begins in a moment." in text_of(admin_client.get(answer.url))
    assert admin_client.get(f"{answer.url}?how_far=1").json()["state"] == "waiting"
    finish()

    assert Contact.objects.get(pk=olena).attributes == {"size": 42}
    assert "Done. Values changed: 1." in text_of(admin_client.get(answer.url))
    assert AuditEntry.objects.filter(details__has_key="type →").count() == 1


def test_values_that_cannot_be_read_are_listed_with_links(admin_client):
    size = make_field()
    give("olena", size="42")
    bohdan = give("bohdan", size="large")

    said = text_of(admin_client.post(page("type", size.pk), {"type": "number", "_look": "1"}))

    assert "Not every value can be read as “number”" in said
    assert f"/admin/contacts/contact/{bohdan}/change/" in said
    assert "Write a whole number, such as 42." in said
    assert 'name="_go"' not in said
    admin_client.post(page("type", size.pk), {"type": "number", "_go": "1"})
    assert finish().status == WorkStatus.REFUSED
    shown = text_of(admin_client.get(page("work", FieldWork.objects.get().pk)))
    assert "Nothing changed: 1 of 2 cannot be read as the new type." in shown
    assert f"/admin/contacts/contact/{bohdan}/change/" in shown


def test_what_stands_in_the_way_of_another_type_is_said(admin_client):
    born = make_field("born", "date")
    Policy.objects.create(birthday_field=born)

    answer = admin_client.post(page("type", born.pk), {"type": "text", "_go": "1"}, follow=True)

    assert "This field is the birthday" in text_of(answer)
    assert "type" in admin_client.post(page("type", born.pk), {"type": "date"}).context["form"].errors
    assert "options" in admin_client.post(page("type", born.pk), {"type": "choice"}).context["form"].errors


def test_the_values_that_there_are_are_proposed_as_options(admin_client):
    size = make_field()
    for name, value in (("olena", "M"), ("bohdan", "S"), ("taras", "M")):
        give(name, size=value)

    looked = admin_client.post(page("type", size.pk), {"type": "choice", "options": "", "_look": "1"})

    assert looked.context["form"]["options"].value() == "M\nS"
    assert "All values can be read as “one of”" in text_of(looked)


# Keys and deletion


def test_a_field_becomes_a_key_and_is_none_again(admin_client):
    card = make_field("card")
    give("olena", card="C-1")
    give("bohdan", card="C-1")
    give("taras", card="unknown")

    said = text_of(admin_client.get(page("key", card.pk)))
    assert "Values that several contacts share: 1, on 2 contacts." in said
    assert "Values that identify nobody, and stay as data: 1." in said
    admin_client.post(page("key", card.pk))
    finish()
    card.refresh_from_db()
    assert card.can_be_key
    assert "Match nobody by this field any more?" in text_of(admin_client.get(page("key", card.pk)))

    admin_client.post(page("key", card.pk))
    finish()
    card.refresh_from_db()
    assert not card.can_be_key


def test_a_field_is_deleted_by_writing_its_key(admin_client):
    size = make_field()
    olena = give("olena", size="42")
    said = text_of(admin_client.get(page("remove", size.pk)))
    assert "Contacts that have one: 1." in said

    wrong = admin_client.post(page("remove", size.pk), {"key": "Size"})
    assert "Write the key, size" in " ".join(wrong.context["form"].errors["key"])
    admin_client.post(page("remove", size.pk), {"key": "size"})

    assert not CustomField.objects.exists()
    refused = admin_client.post(
        reverse("admin:contacts_customfield_add"), {"label": "Size", "key": "size", "type": "text"}
    )
    assert "still being removed" in " ".join(refused.context["adminform"].form.errors["key"])
    work = finish()
    assert Contact.objects.get(pk=olena).attributes == {}
    assert "To the custom fields" in text_of(admin_client.get(page("work", work.pk)))
    assert AuditEntry.objects.filter(action="deleted").count() == 1


def test_who_needs_a_field_is_named_instead_of_deleting_it(admin_client):
    tier = make_field("tier", "choice", options=["Gold"])
    save_segment(Segment(name="Golden", definition=define(ask("fields.tier", "is", "Gold"))))

    said = text_of(admin_client.get(page("remove", tier.pk)))

    assert "Golden" in said
    assert "To be sure, write its key" not in said
    admin_client.post(page("remove", tier.pk), {"key": "tier"})
    assert CustomField.objects.exists()


def test_the_values_are_written_to_a_file_first(admin_client):
    size = make_field()

    admin_client.post(page("remove", size.pk), {"_export": "1"})

    assert ContactExport.objects.get().columns[-1] == "fields.size"


def test_an_auditor_sees_the_field_and_changes_nothing(auditor):
    size = make_field("size", "choice", options=["S", "M"])
    give("olena", size="S")
    assert "With its values" not in text_of(auditor.get(page("change", size.pk)))

    for name in ("type", "key", "remove"):
        assert auditor.get(page(name, size.pk)).status_code == 403
        assert auditor.post(page(name, size.pk), {"type": "text", "_go": "1", "key": "size"}).status_code == 403
    auditor.post(page("change", size.pk), option_form([("S", "Small")], _asked="1"))

    size.refresh_from_db()
    assert (size.type, size.options, size.can_be_key) == ("choice", ["S", "M"], False)
    assert not FieldWork.objects.exists()


def test_what_is_not_there_is_not_found(admin_client):
    for number in (999, 2**70):
        for name in ("type", "key", "remove", "work"):
            assert admin_client.get(page(name, number)).status_code == 404
