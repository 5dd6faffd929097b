"""Contacts that are named in a pasted list."""

from __future__ import annotations

import pytest

from contacts.models import Contact, ContactState
from segments.catalogue import save_segment
from segments.errors import SegmentIsNotStatic
from segments.membership import add_members, list_members
from segments.models import Segment, SegmentType
from segments.pasting import MOST_PASTED, NobodyNamed, TooManyNamed, find_named, paste_members, split_text
from tests.segments.people import NOW, make_contact
from tests.segments.table import ask, define

People = dict[str, Contact]


@pytest.fixture
def friends(db: None) -> Segment:
    return save_segment(Segment(name="Friends", type=SegmentType.STATIC))


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("a@b.c, d@e.f;g@h.i\r\n\r\nj@k.l a@b.c", "email", ["a@b.c", "d@e.f", "g@h.i", "j@k.l"]),
        ("+38 050 111 22 33\n067 999 88 77", "phone", ["+38 050 111 22 33", "067 999 88 77"]),
        ('C-1\tC 2, "C-3"\n', "external_id", ["C-1", "C 2", "C-3"]),
        ("1 2,3", "id", ["1", "2", "3"]),
    ],
)
def test_a_text_is_cut_into_values_each_once(text: str, kind: str, values: list[str]) -> None:
    assert split_text(text, kind) == values


def test_nothing_and_too_much_are_refused() -> None:
    with pytest.raises(NobodyNamed):
        split_text(" ,;\n", "email")
    with pytest.raises(TooManyNamed):
        split_text("\n".join(map(str, range(MOST_PASTED + 1))), "id")


@pytest.mark.parametrize(
    ("kind", "values", "names", "unknown"),
    [
        ("email", ["OLENA@example.com", "nobody@example.com", "no address"], "olena", 2),
        ("external_id", ["C-1", "c-1", "C-2"], "olena taras", 1),
        ("phone", ["050 111 22 33", "+380679998877", "12"], "olena taras", 1),
    ],
)
def test_values_find_the_contacts_that_have_them(
    people: People, kind: str, values: list[str], names: str, unknown: int
) -> None:
    named = find_named(values, kind)

    assert named.contact_ids == [people[name].pk for name in names.split()]
    assert len(named.unknown) == unknown


def test_ids_mean_survivors_and_never_the_deleted(people: People) -> None:
    merged = make_contact(state=ContactState.MERGED, merged_into=people["taras"])
    texts = [str(merged.pk), str(people["deleted"].pk), "0", "-1", "9" * 30, "٣", "1.5"]

    named = find_named(texts, "id")

    assert named.contact_ids == [people["taras"].pk]
    assert named.unknown == texts[1:]


def test_a_value_that_several_share_names_them_all(people: People) -> None:
    twin = make_contact(email="olena@example.com", created_at=NOW)

    assert set(find_named(["olena@example.com"], "email").contact_ids) == {people["olena"].pk, twin.pk}


def test_pasting_tells_who_is_new_who_was_in_and_who_is_nobody(people: People, friends: Segment) -> None:
    add_members(friends, [people["olena"].pk], by="user:1")

    pasted = paste_members(friends, "olena@example.com\nbohdan@gmail.com\nx@example.com", "email", by="user:2")

    assert (pasted.joined, pasted.were_in, pasted.unknown) == (1, 1, ["x@example.com"])
    assert [contact.pk for contact in list_members(friends)] == [people["olena"].pk, people["bohdan"].pk]


def test_nobody_is_pasted_into_a_dynamic_segment(people: People) -> None:
    lviv = save_segment(Segment(name="Lviv", definition=define(ask("town", "is", "Lviv"))))

    with pytest.raises(SegmentIsNotStatic):
        paste_members(lviv, str(people["olena"].pk), "id", by="user:1")
