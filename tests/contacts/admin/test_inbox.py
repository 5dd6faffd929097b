"""Duplicate cases, merges and imports: read, and what can be done from there."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.identity.duplicates import waiting_cases
from contacts.identity.namesakes import look_for_namesakes
from contacts.identity.types import SHEET
from contacts.models import Clearing, Contact, ContactState, DuplicateCase, Import, ImportRow, Merge
from crm.roles import set_role
from tests.people import change, have, merged

CASES = reverse("admin:contacts_duplicatecase_changelist")
FAMILY = (
    have("olena", {"external_id": "A-1", "email": "family@example.com", "first_name": "Olena"}),
    have("bohdan", {"external_id": "B-1", "email": "family@example.com", "first_name": "Bohdan"}),
    have("taras", {"external_id": "C-1", "phone": "+380501112233", "first_name": "Taras"}),
    have("oksana", {"external_id": "D-1", "phone": "+380501112233", "first_name": "Oksana"}),
)


def values(page):
    return [card.case.value for card in page.context["cards"]]


def decide(client, case, verb, **typed):
    return client.post(reverse(f"admin:contacts_duplicatecase_{verb}", args=[case.pk]), typed)


def look_again(**more):
    """The job comes by, once nobody writes any more."""
    look_for_namesakes(at=timezone.now() + timedelta(minutes=1), **more)


def test_cases_that_wait_are_shown_with_everybody_in_them(admin_client, play, django_assert_max_num_queries):
    stage = play(*FAMILY)

    with django_assert_max_num_queries(15):
        page = admin_client.get(CASES).content.decode()

    for name in ("olena", "bohdan", "taras", "oksana"):
        assert reverse("admin:contacts_contact_change", args=[stage.ids[name]]) in page
        assert name.capitalize() in page
    assert "different external IDs" in page
    assert "Probably not one person" in page


def test_not_the_same_closes_a_case_and_is_remembered(admin_client, play, admin_user):
    stage = play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")

    assert decide(admin_client, case, "dismiss", back="age=day").url == f"{CASES}?age=day"

    case.refresh_from_db()
    assert (case.status, case.closed_by) == ("dismissed", f"user:{admin_user.pk}")
    assert case.dismissed_ids == sorted([stage.ids["olena"], stage.ids["bohdan"]])
    assert values(admin_client.get(CASES)) == ["+380501112233"]
    dismissed = admin_client.get(CASES, {"status": "dismissed"})
    assert values(dismissed) == ["family@example.com"]
    assert "Not the same, said admin" in dismissed.content.decode()
    assert len(values(admin_client.get(CASES, {"status": "all"}))) == 2


@pytest.mark.parametrize(
    ("typed", "days"), [({"days": "1"}, 1), ({"days": "30"}, 30), ({"until": "tomorrow"}, 1), ({"until": "week"}, 7)]
)
def test_a_case_is_put_off_and_comes_back(admin_client, play, typed, days):
    play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")
    day = timezone.localdate() + timedelta(days=days)

    decide(
        admin_client, case, "later", **{name: str(day) if name == "until" else given for name, given in typed.items()}
    )

    case.refresh_from_db()
    assert timezone.localtime(case.later_until).date() == day
    assert values(admin_client.get(CASES)) == ["+380501112233"]
    later = admin_client.get(CASES, {"status": "later"})
    assert values(later) == ["family@example.com"]
    assert "Put off until" in later.content.decode()
    assert waiting_cases(at=case.later_until).count() == 2


@pytest.mark.parametrize(
    "typed", [{}, {"days": "0"}, {"days": "x"}, {"until": "2020-01-01"}, {"until": "31.12."}, {"days": "999"}]
)
def test_a_day_that_cannot_be_is_refused(admin_client, play, typed):
    play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")

    answer = admin_client.post(reverse("admin:contacts_duplicatecase_later", args=[case.pk]), typed, follow=True)

    assert "Choose a day from tomorrow on" in answer.content.decode()
    assert len(values(answer)) == 2


def test_what_was_decided_on_a_sheet_leads_back_to_it(admin_client, play):
    stage = play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")
    sheet = reverse("admin:contacts_contact_change", args=[stage.ids["olena"]])

    assert decide(admin_client, case, "later", days="7", contact=str(stage.ids["olena"])).url == sheet


NAMED = {"first_name": "Olena", "last_name": "Koval", "email": "olena@example.com"}


def test_a_clear_case_is_merged_at_once_and_undone_at_once(admin_client, play, admin_user):
    stage = play(
        have("olena", {"external_id": "A-1", **NAMED}),
        have("other", {"phone": "+380501119988"}),
        change("other", NAMED, SHEET),
    )
    look_again()
    case = DuplicateCase.objects.get()
    assert [card.may_merge_at_once for card in admin_client.get(CASES, {"suggestion": "1"}).context["cards"]] == [True]

    answer = admin_client.post(reverse("admin:contacts_duplicatecase_merge", args=[case.pk]), follow=True)

    merge = Merge.objects.get()
    assert (merge.contact_id, merge.by) == (stage.ids["olena"], f"user:{admin_user.pk}")
    names = [f"Olena Koval ({stage.ids[name]})" for name in ("other", "olena")]
    assert "Done: {} is part of {} now.".format(*names) in answer.content.decode()
    assert answer.context["may_undo"]
    admin_client.post(reverse("admin:contacts_merge_undo", args=[merge.pk]))
    assert Contact.objects.get(pk=stage.ids["other"]).state == ContactState.ACTIVE
    case.refresh_from_db()
    assert case.status == "open"


def test_what_is_not_clear_is_compared_first(admin_client, play):
    stage = play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")

    answer = decide(admin_client, case, "merge")

    ids = {stage.ids["olena"], stage.ids["bohdan"]}
    assert answer.url.startswith(reverse("admin:contacts_merge_compare"))
    assert all(str(pk) in answer.url for pk in ids)
    assert not Merge.objects.exists()


def test_what_is_decided_meanwhile_is_said(admin_client, play):
    play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")
    decide(admin_client, case, "dismiss")

    answer = admin_client.post(reverse("admin:contacts_duplicatecase_merge", args=[case.pk]), follow=True)

    assert "decided already" in answer.content.decode()
    for unknown in (10**9, 2**63 - 1):
        for verb in ("dismiss", "later", "merge"):
            assert admin_client.post(reverse(f"admin:contacts_duplicatecase_{verb}", args=[unknown])).status_code == 302


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"reason": "shared"}, 2),
        ({"reason": "name"}, 0),
        ({"suggestion": "4"}, 2),
        ({"suggestion": "1"}, 0),
        ({"age": "day"}, 1),
        ({"age": "week"}, 1),
        ({"age": "old"}, 1),
        ({"age": "day", "reason": "shared", "suggestion": "4"}, 1),
        ({"status": "merged"}, 0),
        ({"reason": "x", "age": "x", "suggestion": "-1", "status": "x", "p": "x"}, 2),
        ({"p": "2"}, 0),
        ({"p": "9" * 30}, 2),
    ],
)
def test_cases_are_filtered(admin_client, play, chosen, found):
    play(*FAMILY)
    look_again()
    DuplicateCase.objects.filter(value="+380501112233").update(opened_at=timezone.now() - timedelta(days=40))
    DuplicateCase.objects.filter(value="family@example.com").update(opened_at=timezone.now())

    assert len(values(admin_client.get(CASES, chosen))) == found


def test_a_case_has_no_form(admin_client, play):
    play(*FAMILY)
    case = DuplicateCase.objects.first()

    assert admin_client.get(reverse("admin:contacts_duplicatecase_change", args=[case.pk])).url == CASES
    assert admin_client.post(reverse("admin:contacts_duplicatecase_change", args=[case.pk])).url == CASES


def test_all_clear_ones_are_asked_about_merged_and_taken_back(admin_client, play):
    stage = play(
        have("olena", {"external_id": "A-1", **NAMED}),
        have("other", {"phone": "+380501119988"}),
        change("other", NAMED, SHEET),
        *FAMILY[2:],
    )
    look_again()
    clear = reverse("admin:contacts_duplicatecase_clear")
    assert "1 case is clear" in admin_client.get(CASES).content.decode()
    assert "Merge 1 clear case?" in admin_client.get(clear).content.decode()

    done = admin_client.post(clear, follow=True)

    assert "1 contact was merged." in done.content.decode()
    assert Contact.objects.get(pk=stage.ids["other"]).merged_into_id == stage.ids["olena"]
    page = done.redirect_chain[-1][0]
    assert admin_client.get(page, headers={"accept": "application/json"}).json()["state"] == "done"
    undone = admin_client.post(page, {"verb": "undo"}, follow=True)
    assert "1 merge was undone." in undone.content.decode()
    assert Contact.objects.get(pk=stage.ids["other"]).state == ContactState.ACTIVE
    assert admin_client.post(page, {"verb": "x"}).status_code == 302
    assert admin_client.get(reverse("admin:contacts_duplicatecase_clearing", args=[10**9])).status_code == 404
    Contact.objects.update(first_name="X")
    DuplicateCase.objects.update(suggestion=4)
    assert "No case is clear" in admin_client.post(clear, follow=True).content.decode()


def test_an_auditor_looks_and_decides_nothing(client, play, django_user_model):
    play(*FAMILY)
    auditor = django_user_model.objects.create_user("nina", is_staff=True)
    set_role(auditor, "auditor")
    client.force_login(auditor)
    case = DuplicateCase.objects.get(value="family@example.com")

    page = client.get(CASES).content.decode()

    assert "family@example.com" in page
    assert "Not the same</button>" not in page
    for verb in ("dismiss", "later", "merge"):
        assert decide(client, case, verb, days="7").status_code == 403
    clear = reverse("admin:contacts_duplicatecase_clear")
    assert {client.get(clear).status_code, client.post(clear).status_code, client.post(CASES).status_code} == {403}
    clearing = reverse("admin:contacts_duplicatecase_clearing", args=[Clearing.objects.create(by="user:1").pk])
    assert client.get(clearing).status_code == 200
    assert client.post(clearing, {"verb": "stop"}).status_code == 403
    case.refresh_from_db()
    assert case.status == "open"


def test_whoever_may_see_no_contacts_sees_no_cases(client, play, django_user_model):
    play(*FAMILY)
    developer = django_user_model.objects.create_user("ihor", is_staff=True)
    set_role(developer, "api_only")
    client.force_login(developer)

    assert client.get(CASES).status_code == 403
    assert client.get(reverse("admin:contacts_merge_compare")).status_code == 403


def test_a_merge_is_undone_from_its_page_and_what_stayed_behind_is_said(admin_client, play):
    stage = play(*FAMILY, merged("olena", "taras"), change("olena", {"phone": "+380509998877"}))
    undo = reverse("admin:contacts_merge_undo", args=[stage.merges["taras"]])

    assert "Undo the merge of" in admin_client.get(undo).content.decode()
    answer = admin_client.post(undo, follow=True)

    assert answer.redirect_chain == [(reverse("admin:contacts_contact_change", args=[stage.ids["taras"]]), 302)]
    assert "The merge was undone." in answer.content.decode()
    assert Contact.objects.get(pk=stage.ids["taras"]).state == ContactState.ACTIVE
    again = admin_client.post(undo, follow=True).content.decode()
    assert "undone" in again


def test_merges_are_listed_and_read_only(admin_client, play, django_assert_max_num_queries):
    stage = play(*FAMILY, merged("olena", "taras"), merged("bohdan", "oksana"))
    merges = reverse("admin:contacts_merge_changelist")

    with django_assert_max_num_queries(15):
        page = admin_client.get(merges).content.decode()

    assert f"{stage.ids['taras']} into {stage.ids['olena']}" in page
    detail = reverse("admin:contacts_merge_change", args=[stage.merges["taras"]])
    assert "+380501112233" in admin_client.get(detail).content.decode()
    assert admin_client.post(detail, {"rule": "x"}).status_code == 403
    assert admin_client.get(reverse("admin:contacts_merge_undo", args=[10**9])).status_code == 302
    assert admin_client.get(reverse("admin:contacts_merge_change", args=[10**9])).status_code == 302


def test_an_import_shows_its_rows_a_page_at_a_time(admin_client, db):
    run = Import.objects.create(
        file_name="people.csv",
        file_digest="0",
        by="command:import_contacts",
        started_at=timezone.now(),
        counts={"created": 7},
        status="finished",
    )
    ImportRow.objects.bulk_create(
        ImportRow(import_run=run, row=row, status="failed", column="phone", code="invalid_phone", message=f"Row {row}.")
        for row in range(1, 61)
    )
    page = reverse("admin:contacts_import_change", args=[run.pk])

    first = admin_client.get(page)
    second = admin_client.get(page, {"after": first.context["next_after"]})

    assert "Row 50." in first.content.decode()
    assert "Row 51." not in first.content.decode()
    assert "Row 60." in second.content.decode()
    assert "people.csv" in admin_client.get(reverse("admin:contacts_import_changelist")).content.decode()
    assert admin_client.post(page, {"file_name": "x"}).status_code == 403
    assert admin_client.get(page, {"after": "x" * 50}).status_code == 200
