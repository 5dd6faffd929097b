"""Times in the account's time zone, dates and numbers as the reader is used to; ids, and the API, as ever."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format

from contacts.admin.reader import account_zone, forget_zone
from contacts.models import Account
from crm.formats import REGIONS, language_of
from tests.people import have

NOON = datetime(2026, 11, 2, 12, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_zone():
    forget_zone()
    yield
    forget_zone()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("en", "en"),
        ("tlh", "en"),
        ("en-US,en;q=0.9", "en-us"),
        ("en-GB", "en-gb"),
        ("uk", "en-ua"),
        ("uk-UA,uk;q=0.9,en;q=0.8", "en-ua"),
        ("de-CH", "en-ch"),
        ("zh-Hant-TW", "en-tw"),
        ("tlh,pl;q=0.5", "en-pl"),
        ("\x00;;,,=", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_browser_says_where_its_reader_is(accepted, language):
    assert language_of(accepted) == language


@pytest.mark.parametrize(
    ("language", "moment", "number"),
    [
        ("en", "2026-11-02 12:05", "1,234,567.5"),
        ("en-us", "Nov 2, 2026, 12:05 PM", "1,234,567.5"),
        ("en-gb", "02/11/2026 12:05", "1,234,567.5"),
        ("en-de", "02.11.2026 12:05", "1.234.567,5"),
        ("en-ua", "02.11.2026 12:05", "1\xa0234\xa0567,5"),
    ],
)
def test_dates_and_numbers_are_written_as_it_is_usual_there(language, moment, number):
    with translation.override(language), timezone.override("UTC"):
        said = date_format(NOON, "DATETIME_FORMAT"), number_format(1234567.5, use_l10n=True, force_grouping=True)

    assert said == (moment, number)


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_every_region_can_be_read(region):
    with translation.override(f"en-{region.lower()}"):
        assert "26" in date_format(NOON, "DATETIME_FORMAT")
        assert number_format(1234567, force_grouping=True).startswith("1")
        assert translation.gettext("Save") == "Save"


@pytest.mark.django_db
def test_a_page_says_times_in_the_accounts_zone_and_the_api_does_not(admin_client, call_api, play):
    olena = play(have("olena", {"external_id": "1234567", "email": "olena@example.com"})).ids["olena"]
    Account.objects.update(time_zone="Asia/Tokyo")
    forget_zone()
    sheet = reverse("admin:contacts_contact_change", args=[olena])

    page = admin_client.get(sheet, headers={"accept-language": "de-DE"}).content.decode()

    created = timezone.localtime(timezone.now() - timezone.timedelta(days=1), account_zone())
    assert f"{created:%d.%m.%Y} " in page
    assert "1234567" in page
    assert "1.234.567" not in page
    assert timezone.get_current_timezone_name() == "UTC"
    answer = call_api("get", f"/api/v1/contact/{olena}", HTTP_ACCEPT_LANGUAGE="de-DE")
    assert f"{created:%d.%m.%Y}" not in answer.content.decode()


@pytest.mark.django_db
def test_a_request_asks_the_database_for_nothing_more(admin_client, django_assert_num_queries):
    account_zone()
    with django_assert_num_queries(0):
        account_zone()


@pytest.mark.django_db
def test_another_time_zone_is_in_force_at_once(admin_client):
    account = Account.objects.first() or Account.objects.create()
    account_zone()

    account.time_zone = "Europe/Warsaw"
    account.save()

    assert str(account_zone()) == "Europe/Warsaw"
    Account.objects.update(time_zone="Mars/Base")
    forget_zone()
    assert str(account_zone()) == "UTC"
