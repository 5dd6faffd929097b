"""Saved views of the contact list and its columns: one's own, shared ones, and what one sees first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.activity import NewOrder, record_orders
from contacts.admin.list_columns import AT_MOST, offered_columns
from contacts.identity.settings import forget_settings
from contacts.models import Contact, ContactState, CustomField, ListTaste, SavedView
from tests.people import change, deleted, have

LIST = reverse("admin:contacts_contact_changelist")
VIEWS = reverse("admin:contacts_contact_views")
ADD = reverse("admin:contacts_contact_view_add")
COLUMNS = reverse("admin:contacts_contact_columns")
PEOPLE = (
    have("olena", {"external_id": "C-1", "first_name": "Olena", "email": "olena@example.com", "town": "Lviv"}),
    have("bohdan", {"external_id": "C-2", "first_name": "Bohdan"}),
    have("ivan", {"external_id": "C-3", "first_name": "Ivan"}),
    deleted("ivan"),
)


def marketer(name: str, *more: str) -> Client:
    codenames = ("view_contact", "add_savedview", "change_savedview", "delete_savedview", *more)
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def iryna(db: None) -> Client:
    return marketer("iryna")


@pytest.fixture
def yurii(db: None) -> Client:
    return marketer("yurii")


def names(answer: Any) -> list[str]:
    return [str(contact) for contact in answer.context["cl"].result_list]


def save(client: Client, query: str, name: str, **more: str) -> SavedView:
    client.post(f"{ADD}?{query}", {"name": name, **more})
    return SavedView.objects.get(name=name)


def headers(client: Client, query: str = "view=all") -> list[str]:
    return [str(header["text"]).strip().capitalize() for header in _headers(client.get(f"{LIST}?{query}"))]


def _headers(answer: Any) -> list[Any]:
    from django.contrib.admin.templatetags.admin_list import result_headers

    headers = list(result_headers(answer.context["cl"]))
    return [header for header in headers if "action-checkbox" not in header.get("class_attrib", "")]


# Views


def test_a_view_keeps_search_and_filters_and_opens_again(iryna, play):
    play(*PEOPLE)

    view = save(iryna, "has_email=yes&p=3&older=x", "With an email")
    shown = iryna.get(f"{LIST}?{view.query}&view={view.pk}")

    assert view.query == "has_email=yes"
    assert names(shown) == ["Olena"]
    assert shown.context["opened"] == view
    assert f'href="{LIST}?has_email=yes&amp;view={view.pk}"' in iryna.get(f"{LIST}?view=all").content.decode()


def test_a_view_is_mine_until_i_share_it(iryna, yurii, play):
    play(*PEOPLE)
    view = save(iryna, "has_email=yes", "With an email")
    assert "With an email" not in yurii.get(f"{LIST}?view=all").content.decode()

    iryna.post(reverse("admin:contacts_contact_view", args=[view.pk]), {"name": "Mail", "is_shared": "on"})

    assert "Mail" in yurii.get(f"{LIST}?view=all").content.decode()


def test_what_is_shared_is_changed_by_its_owner_alone(iryna, yurii, admin_client):
    view = save(iryna, "has_email=yes", "With an email", is_shared="on")
    places = [
        reverse("admin:contacts_contact_view", args=[view.pk]),
        reverse("admin:contacts_contact_view_delete", args=[view.pk]),
        reverse("admin:contacts_contact_view_keep", args=[view.pk]) + "?has_phone=yes",
    ]

    assert [yurii.post(place, {"name": "Yurii's"}).status_code for place in places] == [403] * 3
    yurii.post(f"{COLUMNS}?view={view.pk}", {"columns": ["town"]})
    kept = SavedView.objects.get()
    assert (kept.name, kept.query, kept.columns) == ("With an email", "has_email=yes", view.columns)
    admin_client.post(places[1])
    assert not SavedView.objects.exists()


def test_another_persons_own_view_is_not_there(iryna, yurii):
    view = save(iryna, "has_email=yes", "With an email")

    assert yurii.get(reverse("admin:contacts_contact_view", args=[view.pk])).status_code == 404
    assert yurii.get(reverse("admin:contacts_contact_view", args=[10**19])).status_code == 404


def test_an_altered_view_is_kept_as_it_is_now(iryna, play):
    play(*PEOPLE)
    view = save(iryna, "has_email=yes", "Mine")
    altered = iryna.get(f"{LIST}?has_email=no&view={view.pk}")
    keep = reverse("admin:contacts_contact_view_keep", args=[view.pk])
    assert f'action="{keep}?has_email=no&amp;view={view.pk}"' in altered.content.decode()

    answer = iryna.post(f"{keep}?has_email=no&view={view.pk}")

    assert answer.url == f"{LIST}?has_email=no&view={view.pk}"
    assert keep not in iryna.get(answer.url).content.decode()


def test_my_start_is_what_i_see_first_and_everybody_is_one_press_away(iryna, play):
    play(*PEOPLE)
    view = save(iryna, "has_email=yes", "Mine", is_start="on")

    assert iryna.get(LIST).url == f"{LIST}?has_email=yes&view={view.pk}"
    assert names(iryna.get(f"{LIST}?view=all")) == ["Bohdan", "Olena"]
    iryna.post(reverse("admin:contacts_contact_view_delete", args=[view.pk]))
    assert iryna.get(LIST).status_code == 200


def test_two_views_of_one_person_have_two_names(iryna):
    save(iryna, "", "Mine")

    answer = iryna.post(ADD, {"name": "Mine"})

    assert answer.status_code == 400
    assert "You have a view of this name." in answer.content.decode()


def test_views_take_two_statements_however_many_there_are(iryna, play):
    play(*PEOPLE)
    for number in range(5):
        save(iryna, "has_email=yes", f"View {number}", is_shared="on")

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        iryna.get(f"{LIST}?view=all")

    mine = [query["sql"] for query in captured if "savedview" in query["sql"] or "listtaste" in query["sql"]]
    assert len(mine) == 2


def test_who_may_not_save_views_saves_none(play):
    play(*PEOPLE)
    auditor = User.objects.create_user("auditor", is_staff=True)
    auditor.user_permissions.set(Permission.objects.filter(codename__in=["view_contact", "view_savedview"]))
    client = Client()
    client.force_login(auditor)

    page = client.get(f"{LIST}?view=all").content.decode()
    answers = [client.post(ADD, {"name": "Mine"}), client.post(COLUMNS, {"columns": ["town"]}), client.get(COLUMNS)]

    assert ADD not in page
    assert [answer.status_code for answer in answers] == [403] * 3
    assert not SavedView.objects.exists()
    assert not ListTaste.objects.exists()


# Columns


def test_columns_are_chosen_in_their_order_and_stay(iryna, yurii, play):
    CustomField.objects.create(key="tier", label="Tier", type="text")
    stage = play(*PEOPLE)
    change("olena", {"fields.tier": "gold"})(stage)

    iryna.post(COLUMNS, {"columns": ["town", "fields.tier", "id"]})

    assert headers(iryna) == ["Name", "Town", "Tier", "Contact id"]
    page = iryna.get(f"{LIST}?view=all").content.decode()
    assert "Lviv" in page
    assert "gold" in page
    assert str(stage.ids["olena"]) in page
    assert headers(yurii) == ["Name", "Channels", "Email or phone", "External id", "Last change"]


def test_a_view_has_columns_of_its_own(iryna, play):
    play(*PEOPLE)
    view = save(iryna, "has_email=yes", "Mine")

    iryna.post(f"{COLUMNS}?view={view.pk}", {"columns": ["town"]})

    assert headers(iryna, f"view={view.pk}") == ["Name", "Town"]
    assert headers(iryna) == ["Name", "Channels", "Email or phone", "External id", "Last change"]
    iryna.post(f"{COLUMNS}?view={view.pk}", {"columns": ["town"], "usual": "1"})
    assert len(headers(iryna, f"view={view.pk}")) == 5


def test_the_list_runs_one_statement_for_what_was_bought_and_none_for_other_columns(iryna, play):
    CustomField.objects.create(key="tier", label="Tier", type="text")
    play(*PEOPLE)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert iryna.get(f"{LIST}?view=all").status_code == 200
        return len(captured)

    count()
    usual = count()
    others = [key for key in offered_columns() if key != "bought"]
    iryna.post(COLUMNS, {"columns": others[:AT_MOST]})
    assert count() == usual

    iryna.post(COLUMNS, {"columns": ["bought", *others[: AT_MOST - 1]]})
    assert count() == usual + 1


def test_the_list_shows_what_was_bought_by_currency(iryna, play):
    play(*PEOPLE)
    who = Contact.objects.filter(state=ContactState.ACTIVE).first()
    orders = [
        NewOrder(number, {"id": who.pk}, "DELIVERED", total, currency, datetime(2026, 5, 14, tzinfo=UTC))
        for number, total, currency in (("N-1", "1200", "UAH"), ("N-2", "34.5", "UAH"), ("N-3", "20", "EUR"))
    ]
    record_orders(orders, by="key:1")
    iryna.post(COLUMNS, {"columns": ["bought"]})

    assert "1,234.50 UAH, 20.00 EUR" in iryna.get(f"{LIST}?view=all").content.decode()


def test_every_column_that_is_offered_can_be_shown(iryna, play):
    for kind in ("text", "number", "boolean", "date", "datetime", "choices"):
        CustomField.objects.create(key=kind, label=kind, type=kind, options=["a", "b"] if kind == "choices" else [])
    stage = play(*PEOPLE)
    values = {"text": "x" * 200, "number": 7, "boolean": True, "date": "2026-01-02", "choices": ["a", "b"]}
    change("olena", {f"fields.{key}": value for key, value in values.items()})(stage)
    keys = list(offered_columns())

    for start in range(0, len(keys), AT_MOST):
        iryna.post(COLUMNS, {"columns": keys[start : start + AT_MOST]})
        page = iryna.get(f"{LIST}?view=all&state=all")
        assert page.status_code == 200
        assert len(_headers(page)) == 1 + len(keys[start : start + AT_MOST])


def test_a_column_whose_field_is_gone_is_left_out(iryna, play):
    field = CustomField.objects.create(key="tier", label="Tier", type="text")
    play(*PEOPLE)
    iryna.post(COLUMNS, {"columns": ["fields.tier", "town"]})
    view = save(iryna, "fields.tier=gold", "Gold")
    field.delete()
    forget_settings()

    assert headers(iryna) == ["Name", "Town"]
    assert iryna.get(f"{LIST}?{view.query}&view={view.pk}").status_code == 200


@pytest.mark.parametrize(
    ("columns", "says"),
    [([], "Choose at least one column."), (["shoe_size"], "Select a valid choice."), (None, "Choose at most")],
)
def test_columns_that_cannot_be_are_refused(iryna, columns, says):
    given = list(offered_columns()) if columns is None else columns

    answer = iryna.post(COLUMNS, {"columns": given})

    assert answer.status_code == 400
    assert says in answer.content.decode()
