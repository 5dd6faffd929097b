"""Two contacts side by side: what is shown, what is picked, what is refused, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from contacts.identity.types import SHEET
from contacts.models import Change, Contact, ContactState, CustomField, DuplicateCase, Merge
from crm.roles import set_role
from tests.people import change, deleted, erased, have, merged, ordered

COMPARE = reverse("admin:contacts_merge_compare")
OLENA = have("olena", {"external_id": "A-1", "email": "olena@example.com", "first_name": "Olena", "town": "Lviv"})
OLHA = have("olha", {"external_id": "A-2", "email": "olha@example.com", "first_name": "Olha", "phone": "+380501112233"})


def ask(stage: Any, left: str = "olena", right: str = "olha", **more: Any) -> dict[str, Any]:
    return {"left": stage.ids[left], "right": stage.ids[right], **more}


def form(stage: Any, left: str = "olena", right: str = "olha", **typed: Any) -> dict[str, Any]:
    """What the page sends; fields are written ``pick_first_name``."""
    seen = {
        f"seen_{side}": Contact.objects.get(pk=stage.ids[name]).updated_at.isoformat()
        for side, name in (("left", left), ("right", right))
    }
    return ask(stage, left, right) | seen | {name.replace("pick_", "pick.", 1): value for name, value in typed.items()}


def rows(page: Any) -> dict[str, Any]:
    return {row.key: row for row in page.context["comparison"].differing}


def test_what_differs_comes_first_and_what_is_the_same_is_folded(
    admin_client: Any, play: Any, django_assert_max_num_queries: Any
) -> None:
    CustomField.objects.create(key="tier", label="Tier")
    stage = play(OLENA, OLHA, ordered("olha"), change("olha", {"town": "Lviv", "fields.tier": "gold"}, SHEET))

    with django_assert_max_num_queries(15):
        page = admin_client.get(COMPARE, ask(stage))

    assert list(rows(page)) == ["external_id", "email", "phone", "first_name", "fields.tier"]
    assert page.context["comparison"].same == [("Town", "Lviv")]
    phone = rows(page)["phone"]
    assert (phone.picked, phone.values[0].is_blank, phone.values[0].can_be_picked) == ("right", True, False)
    text = page.content.decode()
    for said in ("different external IDs", "Probably not one person", "Orders: 1", "1 field is the same"):
        assert said in text


def test_the_suggested_one_stays_unless_another_is_chosen(admin_client: Any, play: Any) -> None:
    stage = play(have("olha", {"phone": "+380501112233"}), OLENA)

    page = admin_client.get(COMPARE, ask(stage, "olha", "olena"))

    assert page.context["comparison"].kept == "right"
    assert admin_client.get(COMPARE, ask(stage, "olha", "olena", keep="left")).context["comparison"].kept == "left"


def test_the_result_is_looked_at_and_nothing_is_written(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA)
    journal = Change.objects.count()

    page = admin_client.post(
        COMPARE, form(stage, keep="left", step="preview", pick_first_name="right", pick_town="right")
    )

    lines = {line["label"]: (line["before"], str(line["value"])) for line in page.context["lines"]}
    assert lines["First name"] == ("Olena", "Olha")
    assert lines["Town"] == ("Lviv", "—")
    assert "+380501112233" in lines["Phone"][1]
    assert (Change.objects.count(), Merge.objects.count()) == (journal, 0)
    back = admin_client.post(COMPARE, form(stage, keep="left", step="compare", pick_first_name="right"))
    assert rows(back)["first_name"].picked == "right"


def test_the_merge_keeps_what_was_picked_and_says_what_it_did(admin_client: Any, play: Any, admin_user: Any) -> None:
    stage = play(OLENA, OLHA, ordered("olha"))

    answer = admin_client.post(
        COMPARE,
        form(stage, keep="left", step="merge", pick_external_id="right", pick_email="right", pick_town="right"),
        follow=True,
    )

    olena, merge = Contact.objects.get(pk=stage.ids["olena"]), Merge.objects.get()
    assert (olena.external_id, olena.email, olena.first_name, olena.town) == ("A-2", "olha@example.com", "Olena", None)
    assert (merge.contact_id, merge.loser_id, merge.by) == (olena.pk, stage.ids["olha"], f"user:{admin_user.pk}")
    text = answer.content.decode()
    assert "Done: Olha is part of Olena now." in text
    assert answer.context["rows"] == [("Events", 1), ("Orders", 1)]
    assert reverse("admin:contacts_merge_undo", args=[merge.pk]) in text
    # It is undone from there, and the page says so.
    admin_client.post(reverse("admin:contacts_merge_undo", args=[merge.pk]))
    assert Contact.objects.get(pk=stage.ids["olha"]).state == ContactState.ACTIVE
    assert "was undone on" in admin_client.get(reverse("admin:contacts_merge_change", args=[merge.pk])).content.decode()


def test_whoever_was_changed_meanwhile_is_shown_again_with_what_was_picked(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA)
    typed = form(stage, keep="left", step="merge", pick_first_name="right")
    play(change("olha", {"last_name": "Koval"}))

    answer = admin_client.post(COMPARE, typed)

    assert answer.status_code == 409
    assert "changed since you compared them" in answer.content.decode()
    assert rows(answer)["first_name"].picked == "right"
    assert "last_name" in rows(answer)
    assert not Merge.objects.exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"seen_left": ""},
        {"seen_left": "2026-13-45"},
        {"seen_right": "x" * 500},
        {"seen_left": "2026-01-01T00:00:00"},
    ],
)
def test_a_form_that_does_not_say_what_was_seen_merges_nobody(admin_client: Any, play: Any, broken: Any) -> None:
    stage = play(OLENA, OLHA)

    assert admin_client.post(COMPARE, form(stage, step="merge") | broken).status_code == 409
    assert not Merge.objects.exists()


def test_strange_picks_are_no_picks(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA)

    answer = admin_client.post(
        COMPARE,
        form(
            stage, keep="both", step="merge", pick_phone="left", pick_email="nobody", pick_state="right", pick_x="left"
        ),
    )

    assert answer.status_code == 302
    olena = Contact.objects.get(pk=stage.ids["olena"])
    assert (olena.phone, olena.email) == ("+380501112233", "olena@example.com")


def test_a_deleted_one_cannot_stay_but_may_go(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA, deleted("olena"))

    page = admin_client.get(COMPARE, ask(stage, keep="left"))

    assert page.context["comparison"].kept == "right"
    assert "A deleted contact cannot stay" in page.content.decode()
    assert admin_client.post(COMPARE, form(stage, keep="left", step="merge")).status_code == 302
    assert Contact.objects.get(pk=stage.ids["olena"]).merged_into_id == stage.ids["olha"]


def test_two_deleted_ones_are_not_merged_and_it_says_what_to_do(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA, deleted("olena"), deleted("olha"))

    page = admin_client.get(COMPARE, ask(stage)).content.decode()

    assert "Both contacts are deleted" in page
    assert 'value="merge"' not in page
    assert admin_client.post(COMPARE, form(stage, step="merge")).status_code == 409


def test_one_that_was_merged_means_its_survivor(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA, have("taras", {"external_id": "T"}), merged("olena", "olha"))

    assert admin_client.get(COMPARE, ask(stage)).url == reverse(
        "admin:contacts_contact_change", args=[stage.ids["olena"]]
    )
    page = admin_client.get(COMPARE, ask(stage, "taras", "olha"))
    assert page.context["comparison"].sides[1].contact.pk == stage.ids["olena"]


def test_the_other_one_is_looked_for(admin_client: Any, play: Any, django_assert_max_num_queries: Any) -> None:
    stage = play(OLENA, OLHA, change("olha", {"email": "olena@example.com"}))
    assert DuplicateCase.objects.exists()

    page = admin_client.get(COMPARE, {"left": stage.ids["olena"]})
    assert [contact.pk for contact, _url in page.context["alike"]] == [stage.ids["olha"]]
    with django_assert_max_num_queries(15):
        found = admin_client.get(COMPARE, {"left": stage.ids["olena"], "q": "olha"})
    (contact, url), *others = found.context["found"]
    assert (contact.pk, others) == (stage.ids["olha"], [])
    assert admin_client.get(url).context["comparison"]
    assert "Nobody was found" in admin_client.get(COMPARE, {"left": stage.ids["olena"], "q": "Nobody"}).content.decode()
    assert admin_client.get(COMPARE).status_code == 200
    assert "left=" in admin_client.get(COMPARE, {"q": "A-2"}).content.decode()


@pytest.mark.parametrize("other", ["0", "-1", "x", "9" * 30, "999999", str(2**63), "1 2", "１"])
def test_who_is_not_there_is_looked_for(admin_client: Any, play: Any, other: str) -> None:
    stage = play(OLENA)

    assert admin_client.get(COMPARE, {"left": stage.ids["olena"], "right": other}).status_code in (200, 404)
    assert admin_client.post(COMPARE, {"left": stage.ids["olena"], "right": other, "step": "merge"}).status_code in (
        200,
        404,
    )
    assert admin_client.get(COMPARE, {"left": other}).status_code in (200, 404)


def test_who_was_erased_is_not_compared(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA, erased("olha"))

    answer = admin_client.get(COMPARE, ask(stage))

    assert answer.status_code == 404
    assert "not there any more" in answer.content.decode()


def test_a_case_is_decided_from_the_comparison(admin_client: Any, play: Any) -> None:
    stage = play(OLENA, OLHA, change("olha", {"email": "olena@example.com"}))
    case = DuplicateCase.objects.get()

    page = admin_client.get(COMPARE, ask(stage, case=case.pk)).content.decode()
    assert reverse("admin:contacts_duplicatecase_dismiss", args=[case.pk]) in page

    answer = admin_client.post(COMPARE, form(stage, step="merge", case=case.pk), follow=True)
    assert answer.context["from_inbox"]
    case.refresh_from_db()
    assert case.status == "merged"


def test_an_auditor_looks_and_merges_nobody(client: Any, play: Any, django_user_model: Any) -> None:
    stage = play(OLENA, OLHA)
    auditor = django_user_model.objects.create_user("nina", is_staff=True)
    set_role(auditor, "auditor")
    client.force_login(auditor)

    page = client.get(COMPARE, ask(stage)).content.decode()

    assert "Ask an administrator" in page
    for step in ("preview", "merge", "compare"):
        assert client.post(COMPARE, form(stage, step=step)).status_code == 403
    assert not Merge.objects.exists()


def test_a_marketer_merges_and_undoes(client: Any, play: Any, django_user_model: Any) -> None:
    stage = play(OLENA, OLHA)
    marketer = django_user_model.objects.create_user("oksana", is_staff=True)
    set_role(marketer, "marketer_without_export")
    client.force_login(marketer)

    assert client.post(COMPARE, form(stage, step="merge")).status_code == 302
    assert client.post(reverse("admin:contacts_merge_undo", args=[Merge.objects.get().pk])).status_code == 302
    assert datetime.now(tz=Merge.objects.get().at.tzinfo) > Merge.objects.get().at
