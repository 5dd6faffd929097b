"""Pages of lists: whichever way a page is found, it holds what the condition means, in order, and none is left out."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from contacts.finding.names import cut_into_words
from contacts.finding.paging import Page, Place, read_page
from contacts.models import ChannelState, Contact, ContactState, CustomField
from contacts.selections import Selection

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
CHOOSE = random.Random(7)
PEOPLE = 120


def choose_contact(number: int) -> Contact:
    state = CHOOSE.choice([ContactState.ACTIVE] * 6 + [ContactState.DELETED, ContactState.MERGED])
    moment = MIDNIGHT - timedelta(hours=CHOOSE.randrange(100))  # many share a moment
    has = [CHOOSE.random() < share for share in (0.6, 0.8, 0.5)]
    tokens = CHOOSE.choice([0, 0, 0, 1 << 7, 1 << 8, 1 << 9, 1 << 10])
    return Contact(
        external_id=f"E-{number}" if has[0] else None,
        email=f"p{number}@example.com" if has[1] else None,
        email_state=CHOOSE.choice(ChannelState.values) if has[1] else None,
        phone=f"+38067{number:07}" if has[2] else None,
        phone_state=CHOOSE.choice(ChannelState.values[:3]) if has[2] else None,
        first_name=CHOOSE.choice(["Олена", "Anna Maria", "Łukasz", "Мар'яна", "Zoë"]),
        last_name=CHOOSE.choice(["Шевченко", "O’Brien", "van den Berg", "Weiß-Müller", None]),
        attributes={"tier": CHOOSE.choice(["gold", "silver"])},
        identifier_kinds=sum(bit for bit, there in zip((2, 4, 8), has, strict=True) if there) | tokens,
        state=state,
        deleted_at=moment if state == ContactState.DELETED else None,
        merged_into_id=1 if state == ContactState.MERGED else None,
        source=CHOOSE.choice(["import", "import", "api", "web", "a\U0001f41f source"]),
        created_at=moment,
        updated_at=moment,
    )


@pytest.fixture
def people(db):
    CustomField(key="tier", label="Tier", type="choice", options=["gold", "silver"]).save()
    Contact.objects.bulk_create(choose_contact(number) for number in range(PEOPLE))


ASKED = [
    {},
    {"state": "deleted"},
    {"state": "all"},
    {"state": "unheard"},
    {"source": "a\U0001f41f source"},
    {"source": ["web", "api"], "has_email": "no"},
    {"source": "nowhere"},
    {"has_external_id": "no", "has_email": "no", "has_phone": "no"},
    {"has_external_id": "yes", "has_phone": ["yes", "no"]},
    {"has_email": "perhaps"},
    {"channel": "telegram"},
    {"channel": ["telegram", "phone"], "state": "all"},
    {"channel": ["smoke", "web_push"]},
    {"channel": "smoke"},
    {"email_state": "bounced"},
    {"email_state": ["bounced", "blacklisted"], "phone_state": "active"},
    {"email_state": "strange"},
    {"changed_from": "2026-11-20", "changed_to": "2026-11-20"},
    {"changed_to": "2026-11-19", "email_state": "unsubscribed", "state": "all"},
    {"changed_from": "never", "source": "web"},
    {"fields.tier": "gold", "source": "web"},
    {"q": "berg", "state": "active"},
    {"q": "brien anna", "has_email": "yes"},
    {"created_from": "2026-11-20", "fields.tier": "silver"},
]


def expected(selection: Selection, *, oldest_first: bool) -> list[int]:
    order = ("updated_at", "pk") if oldest_first else ("-updated_at", "-pk")
    return list(selection.contacts().order_by(*order).values_list("pk", flat=True))


def walk(selection: Selection, near: int, *, oldest_first: bool) -> list[Page]:
    """All pages, one after the other."""

    def read(**place: Place | None) -> Page:
        wanted = selection.wanted()
        return read_page(wanted, size=23, milliseconds=10_000, oldest_first=oldest_first, near=near, **place)

    pages = [read()]
    while following := (pages[-1].newer if oldest_first else pages[-1].older):
        pages.append(read(newer=following) if oldest_first else read(older=following))
        assert len(pages) < PEOPLE
    back = pages[-1]
    for page in reversed(pages[:-1]):
        back = read(older=back.older) if oldest_first else read(newer=back.newer)
        assert back.rows == page.rows
    return pages


@pytest.mark.parametrize(("near", "oldest_first"), [(0, False), (0, True), (30, False)])
def test_the_pages_of_a_list_are_all_it_means_in_order(people, near, oldest_first):
    for conditions in ASKED:
        selection = Selection(conditions=conditions)

        pages = walk(selection, near, oldest_first=oldest_first)

        found = [contact.pk for page in pages for contact in page.rows]
        assert found == expected(selection, oldest_first=oldest_first), conditions
        assert all(page.is_complete for page in pages)


def test_random_conditions_mean_the_same_however_they_are_found(people):
    values = {
        "state": ["active", "deleted", "all"],
        "source": ["import", "api", "web"],
        "has_external_id": ["yes", "no"],
        "has_email": ["yes", "no"],
        "has_phone": ["yes", "no"],
        "channel": ["email", "phone", "mobile_push", "web_push", "telegram"],
        "email_state": [state.name.lower() for state in ChannelState],
        "phone_state": [state.name.lower() for state in ChannelState],
    }
    for _round in range(60):
        names = CHOOSE.sample(sorted(values), CHOOSE.randrange(1, 4))
        selection = Selection(
            conditions={name: CHOOSE.sample(values[name], CHOOSE.randrange(1, len(values[name]))) for name in names}
        )

        page = read_page(selection.wanted(), size=PEOPLE, milliseconds=0, near=0)

        assert [contact.pk for contact in page.rows] == expected(selection, oldest_first=False), selection
        assert page.is_complete


def test_what_takes_too_long_is_left_and_said(people):
    Contact.objects.update(last_name="Shevchenko")
    selection = Selection(conditions={"fields.tier": "gold"})

    page = read_page(selection.wanted(), size=PEOPLE, milliseconds=0, near=20)

    assert not page.is_complete
    assert 0 < len(page.rows) <= 21


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("olena", "Olena", "Shevchenko"),
        ("SHEV OLE", "Olena", "Shevchenko"),
        ("maria", "Anna Maria", "Ivanova"),
        ("ivanova maria", "Anna Maria", "Ivanova"),
        ("berg", "Amélie", "van den Berg"),
        ("amelie van", "Amélie", "van den Berg"),
        ("Amélie", "AMELIE", None),
        ("lukasz", "Łukasz", "Wójcik"),
        ("wojcik łuk", "Łukasz", "Wójcik"),
        ("müller", "Jörg", "Weiß-Müller"),
        ("muller", "Jörg", "Weiß-Müller"),
        ("obrien", "Siân", "O'Brien"),
        ("o'brien", "Siân", "O’Brien"),
        ("МАРЯНА", "Мар'яна", None),
        ("андрій", "Андрі\u0439", "Ї"),
        ("nguyen", None, "Nguyễn"),
        ("ngu\u0302ye\u0303n"[:2], None, "Nguyễn"),
        ("佐藤", "さくら", "佐藤"),
        ("anna-maria", "Anna Maria", None),
        ("back\\slash'", "back\\slash", None),
    ],
)
def test_names_are_found_by_the_beginnings_of_their_words(db, text, first, last):
    Contact.objects.create(first_name=first, last_name=last, created_at=NOW, updated_at=NOW)
    Contact.objects.create(first_name="Somebody", last_name="Else", created_at=NOW, updated_at=NOW)

    [found] = Selection(conditions={"q": text}).contacts()

    assert (found.first_name, found.last_name) == (first, last)


@pytest.mark.parametrize("text", ["lena", "chenko", "shev olena zoe", "-", "' & !x", "a:*b", "' '' ", "🐟", "x" * 900])
def test_other_texts_find_nobody_and_break_nothing(db, text):
    Contact.objects.create(first_name="Olena", last_name="Shevchenko", created_at=NOW, updated_at=NOW)

    assert not Selection(conditions={"q": text}).contacts().exists()


def test_words_are_cut_alike_wherever_they_come_from(db):
    assert cut_into_words("  Anna-Maria  O’Brien, Łódź ") == ["anna", "maria", "obrien", "lodz"]
    assert cut_into_words("anna ANNA Ánna") == ["anna"]


@pytest.mark.parametrize("token", ["", "1", "1-", "-1", "x-1", "1-x", "²-1", "9" * 30 + "-1", "1-" + "9" * 30, "1-2-3"])
def test_a_place_that_cannot_be_read_is_the_beginning(token):
    assert Place.read(token) is None


def test_a_place_is_written_to_the_microsecond():
    place = Place(NOW + timedelta(microseconds=1), 7)

    assert Place.read(place.token) == place
