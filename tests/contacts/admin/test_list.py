"""The contact list: what its search box understands, its filters, and its actions over a selection."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from contacts.finding import Query, read_query
from contacts.identity.types import IMPORT, MOBILE
from contacts.keys import Kind
from contacts.models import ChannelState
from tests.people import deleted, erased, have, imported, merged, suppressed, visitor

LIST = reverse("admin:contacts_contact_changelist")


def list_names(client, **parameters):
    answer = client.get(LIST, parameters)
    assert answer.status_code == 200
    return [contact.first_name for contact in answer.context["cl"].result_list]


PEOPLE = (
    have(
        "olena", {"external_id": "A-1", "email": "Olena@Example.com", "first_name": "Olena", "last_name": "Shevchenko"}
    ),
    have("bohdan", {"external_id": "a-1", "phone": "+380672223344", "first_name": "Bohdan", "last_name": "Melnyk"}),
    have(
        "taras", {"external_id": "0672223355", "email": "t@example.com", "first_name": "Taras", "last_name": "Olenych"}
    ),
    have(
        "amelie",
        {
            "email": "amelie@example.com",
            "contact_key": "CK-9",
            "first_name": "Amélie",
            "last_name": "van den Berg",
            "identifiers": [{"kind": "mobile_push", "app": "shop", "value": "x" * 600}],
        },
        MOBILE,
    ),
    have(
        "oksana", {"external_id": "A-7", "email": "oksana@example.com", "first_name": "Oksana", "last_name": "Melnyk"}
    ),
    merged("olena", "oksana"),
    have("ivan", {"external_id": "A-8", "email": "ivan@example.com", "first_name": "Ivan"}),
    deleted("ivan"),
    have("hanna", {"external_id": "A-9", "email": "hanna@example.com", "first_name": "Hanna"}),
    erased("hanna"),
    visitor("somebody", "cookie-1"),
)

SEARCHES = [
    ("olena@example.com", ["Olena"]),
    ("  OLENA@EXAMPLE.COM ", ["Olena"]),
    ("A-1", ["Olena"]),
    ("a-1", ["Bohdan"]),
    ("extid:A-1", ["Olena"]),
    ("extid: a-1", ["Bohdan"]),
    ("extid:olena@example.com", []),
    ("+380672223344", ["Bohdan"]),
    ("067 222-33-44", ["Bohdan"]),
    ("380672223344", ["Bohdan"]),
    ("(067) 222 33 44", ["Bohdan"]),
    ("0672223355", ["Taras"]),
    ("x" * 600, ["Amélie"]),
    ("CK-9", ["Amélie"]),
    ("A-7", ["Olena"]),
    ("oksana@example.com", ["Olena"]),
    ("ivan@example.com", ["Ivan"]),
    ("hanna@example.com", []),
    ("cookie-1", []),
    ("olen", ["Taras", "Olena"]),
    ("OLENA", ["Olena"]),
    ("olena shev", ["Olena"]),
    ("shevchenko olena", ["Olena"]),
    ("amélie van den", ["Amélie"]),
    ("melnyk", ["Bohdan"]),
    ("100%", []),
    ("_lena", []),
    ("id:0", []),
    ("id:99999999999999999999999", []),
    ("id:olena", []),
    ("nobody at all", []),
    ("' OR 1=1 --", []),
]


@pytest.mark.parametrize(("text", "names"), SEARCHES, ids=[text[:30] for text, _ in SEARCHES])
def test_the_search_box_finds(admin_client, play, text, names):
    play(*PEOPLE)

    assert sorted(list_names(admin_client, q=text)) == sorted(names)


def test_the_search_box_finds_a_contact_by_its_id_and_a_merged_one_at_its_survivor(admin_client, play):
    stage = play(*PEOPLE)

    assert list_names(admin_client, q=f"id:{stage.ids['bohdan']}") == ["Bohdan"]
    assert list_names(admin_client, q=f"id: {stage.ids['oksana']}") == ["Olena"]
    assert list_names(admin_client, q=f"id:{stage.ids['hanna']}") == []
    assert list_names(admin_client, q=str(stage.ids["taras"])) == ["Taras"]


def test_a_text_no_database_can_hold_finds_nobody_and_breaks_nothing(admin_client, play):
    play(*PEOPLE)

    assert admin_client.get(LIST, {"q": "ole\x00na"}).status_code == 200
    assert admin_client.get(f"{LIST}?q=%ED%A0%BD%FF").status_code == 200


def test_what_matches_exactly_comes_before_names(admin_client, play):
    play(
        have("olena", {"external_id": "Melnyk", "first_name": "Olena"}),
        have("bohdan", {"external_id": "B-1", "first_name": "Bohdan", "last_name": "Melnyk"}),
    )

    assert list_names(admin_client, q="Melnyk") == ["Olena", "Bohdan"]


def test_a_text_is_read_without_the_database():
    assert read_query("id: 7", "UA") == Query(contact_id=7)
    assert read_query("extid:X:1", "UA") == Query(values=("X:1",), kind=Kind.EXTERNAL_ID)
    assert read_query("Olena@Example.COM", "UA").values == ("Olena@Example.COM", "olena@example.com")
    assert read_query("050 123 45 67", "UA").values == ("050 123 45 67", "+380501234567")
    assert read_query("o", "UA").names == ()
    assert read_query("Olena van den Berg 3rd", "UA").names == ("Olena", "van", "den", "Berg", "3rd")
    assert read_query("0501234567", "UA").names == ()


def test_the_list_shows_active_contacts_the_last_change_first(admin_client, play):
    play(*PEOPLE)

    assert list_names(admin_client) == ["Olena", "Amélie", "Taras", "Bohdan"]
    assert list_names(admin_client, state="all") == ["Ivan", "Olena", "Amélie", "Taras", "Bohdan"]
    assert list_names(admin_client, state="deleted") == ["Ivan"]


FILTERS = [
    ({"has_external_id": "no"}, ["Amélie"]),
    ({"has_external_id": "yes"}, ["Olena", "Taras", "Bohdan"]),
    ({"has_email": "no"}, ["Bohdan"]),
    ({"has_phone": "yes"}, ["Bohdan"]),
    ({"has_phone": "no", "has_external_id": "no"}, ["Amélie"]),
    ({"source": "mobile"}, ["Amélie"]),
    ({"source": "api", "q": "olen"}, ["Olena", "Taras"]),
    ({"q": "ivan@example.com", "state": "deleted"}, ["Ivan"]),
    ({"q": "olena@example.com", "state": "deleted"}, []),
]


@pytest.mark.parametrize(("parameters", "names"), FILTERS, ids=[str(parameters) for parameters, _ in FILTERS])
def test_filters_narrow_the_list(admin_client, play, parameters, names):
    play(*PEOPLE)

    assert list_names(admin_client, **parameters) == names


def crowd(size):
    return [
        imported(f"person {number}", {"external_id": f"P-{number}", "email": f"p{number}@example.com"})
        for number in range(size)
    ]


def test_a_page_has_25_rows_and_no_count(admin_client, play, django_assert_max_num_queries):
    play(*crowd(27))

    with django_assert_max_num_queries(15) as captured:
        page = admin_client.get(LIST).context["cl"]
    assert (len(page.result_list), page.has_next) == (25, True)
    assert not [query["sql"] for query in captured if "count(" in query["sql"].lower()]
    assert page.newer_link == ""
    second = admin_client.get(LIST + page.older_link).context["cl"]
    assert (len(second.result_list), second.has_next) == (2, False)
    first = admin_client.get(LIST + second.newer_link).context["cl"]
    assert first.result_list == page.result_list
    for strange in ({"p": 10**9}, {"older": "x"}, {"newer": f"{10**16}-1"}, {"older": "9" * 40 + "-1"}, {"all": ""}):
        assert len(admin_client.get(LIST, strange).context["cl"].result_list) in (0, 25), strange
    oldest = admin_client.get(LIST, {"order": "oldest"}).context["cl"]
    assert oldest.result_list[0] == second.result_list[-1]


def test_a_search_or_filter_begins_at_the_first_page_and_chips_take_it_out_again(admin_client, play):
    play(*PEOPLE)

    listed = admin_client.get(LIST, {"q": "olen", "source": "api", "older": "1-1", "wait": "1"}).context["cl"]

    assert [(chip.label, chip.said, chip.without) for chip in listed.chips] == [
        ("Search", "olen", "?source=api"),
        ("Source", "API", "?q=olen"),
    ]
    assert "older" not in listed.filter_params


def test_a_filter_that_is_gone_is_said_and_shows_nobody(admin_client, play):
    play(*PEOPLE)

    answer = admin_client.get(LIST, {"fields.gone": "1"})

    assert answer.context["cl"].result_list == []
    assert "There is no such filter, or its field is gone. Take it out." in answer.content.decode()


def test_channels_are_signs_that_say_their_state(admin_client, play):
    play(*PEOPLE, suppressed("olena@example.com", ChannelState.BOUNCED))

    page = admin_client.get(LIST, {"q": "olena"}).content.decode()

    assert 'role="img" aria-label="Email: bounced" title="Email: bounced, Olena@Example.com"' in page
    assert 'aria-label="Mobile push"' in admin_client.get(LIST, {"channel": "mobile_push"}).content.decode()


def test_the_palette_finds_contacts_as_the_list_does_and_only_for_those_who_may_see_them(admin_client, client, play):
    stage = play(*PEOPLE)
    palette = "/admin/search/?extended=1&s="

    found = admin_client.get(palette + "A-1").content.decode()

    assert f"/admin/contacts/contact/{stage.ids['olena']}/change/" in found
    assert "Bohdan" not in found
    assert "Taras" in admin_client.get(palette + "ole tar").content.decode()
    client.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
    assert "Olena" not in client.get(palette + "olena").content.decode()


def test_a_search_takes_few_statements(admin_client, play, django_assert_max_num_queries):
    play(*PEOPLE)

    with django_assert_max_num_queries(15):
        admin_client.get(LIST, {"q": "olena"})
    with django_assert_max_num_queries(15):
        admin_client.get(LIST, {"q": "0672223355"})


def test_the_page_offers_no_selection_of_everything(admin_client, play):
    play(*crowd(30))

    page = admin_client.get(LIST).content.decode()

    assert "9999999999" not in page
    assert "Show all" not in page
    assert "Select all 30" not in page


def test_import_and_others_are_named_as_people_call_them(admin_client, play):
    play(have("olena", {"external_id": "A-1", "first_name": "Olena"}, IMPORT))

    page = admin_client.get(LIST).content.decode()

    assert "Import" in page
    assert "A-1" in page
