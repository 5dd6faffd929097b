"""Duplicate cases, merges and imports: read, and what can be done from there."""

from django.urls import reverse
from django.utils import timezone

from contacts.models import Contact, ContactState, DuplicateCase, Import, ImportRow
from tests.people import change, have, merged

CASES = reverse("admin:contacts_duplicatecase_changelist")
FAMILY = (
    have("olena", {"external_id": "A-1", "email": "family@example.com", "first_name": "Olena"}),
    have("bohdan", {"external_id": "B-1", "email": "family@example.com", "first_name": "Bohdan"}),
    have("taras", {"external_id": "C-1", "phone": "+380501112233", "first_name": "Taras"}),
    have("oksana", {"external_id": "D-1", "phone": "+380501112233", "first_name": "Oksana"}),
)


def test_open_cases_are_listed_with_links_to_everybody(admin_client, play, django_assert_max_num_queries):
    stage = play(*FAMILY)

    with django_assert_max_num_queries(15):
        page = admin_client.get(CASES).content.decode()

    for name in ("olena", "bohdan", "taras", "oksana"):
        assert reverse("admin:contacts_contact_change", args=[stage.ids[name]]) in page
        assert name.capitalize() in page


def test_not_the_same_closes_a_case_and_is_remembered(admin_client, play, admin_user):
    stage = play(*FAMILY)
    case = DuplicateCase.objects.get(value="family@example.com")

    admin_client.post(CASES, {"action": "not_the_same", "_selected_action": [case.pk]})

    case.refresh_from_db()
    assert (case.status, case.closed_by) == ("dismissed", f"user:{admin_user.pk}")
    assert case.dismissed_ids == sorted([stage.ids["olena"], stage.ids["bohdan"]])
    assert [row.value for row in admin_client.get(CASES).context["cl"].result_list] == ["+380501112233"]
    assert len(admin_client.get(CASES, {"status": "dismissed"}).context["cl"].result_list) == 1
    assert len(admin_client.get(CASES, {"status": "all"}).context["cl"].result_list) == 2


def test_a_case_has_no_form(admin_client, play):
    play(*FAMILY)
    case = DuplicateCase.objects.first()

    assert admin_client.get(reverse("admin:contacts_duplicatecase_change", args=[case.pk])).url == CASES
    assert admin_client.post(reverse("admin:contacts_duplicatecase_change", args=[case.pk])).url == CASES


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
