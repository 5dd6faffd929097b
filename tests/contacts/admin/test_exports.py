"""Exporting from the contact list, by those who may."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.admin.exports import EXPORTED_AT_MOST
from contacts.models import Contact, ContactExport
from crm.models import AuditEntry
from tests.people import deleted, erased, have, merged

LIST = reverse("admin:contacts_contact_changelist")
EXPORT = reverse("admin:contacts_contact_export")
PEOPLE = (
    have("olena", {"external_id": "C-1", "email": "olena@example.com", "first_name": "Olena"}),
    have("bohdan", {"external_id": "C-2", "first_name": "Bohdan"}),
    have("taras", {"external_id": "C-3", "email": "taras@example.com", "first_name": "Taras"}),
    have("oksana", {"external_id": "C-4", "first_name": "Oksana"}),
    merged("olena", "oksana"),
    have("ivan", {"external_id": "C-5", "first_name": "Ivan"}),
    deleted("ivan"),
    have("hanna", {"external_id": "C-6", "first_name": "Hanna"}),
    erased("hanna"),
)


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment")
    return [row["first_name"] for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]


def head_of(answer: Any) -> list[str]:
    return next(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def clerk_with(*codenames: str) -> Client:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(clerk)
    return client


def test_the_list_as_it_is_filtered_becomes_a_file(admin_client, play):
    play(*PEOPLE)

    everybody = admin_client.post(EXPORT, {"format": "csv"})

    assert names(everybody) == ["Olena", "Taras", "Bohdan"]
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert everybody["Content-Disposition"] == f'attachment; filename="contacts-{today}.csv"'
    assert names(admin_client.post(f"{EXPORT}?has_email=no", {"format": "csv"})) == ["Bohdan"]
    assert names(admin_client.post(f"{EXPORT}?q=taras", {"format": "csv"})) == ["Taras"]
    assert names(admin_client.post(f"{EXPORT}?state=deleted", {"format": "csv"})) == ["Ivan"]
    assert names(admin_client.post(f"{EXPORT}?p=2", {"format": "csv"})) == ["Olena", "Taras", "Bohdan"]


def test_a_selection_becomes_a_file_after_the_format_was_asked(admin_client, play):
    stage = play(*PEOPLE)
    chosen = [stage.ids["bohdan"], stage.ids["taras"]]

    page = admin_client.post(LIST, {"action": "export_selected", "_selected_action": chosen}, follow=True)

    assert "Export: 2 contacts" in page.content.decode()
    address = page.redirect_chain[-1][0]
    assert sorted(names(admin_client.post(address, {"format": "csv"}))) == ["Bohdan", "Taras"]


def test_merged_and_erased_contacts_are_in_no_file_even_when_named(admin_client, play):
    stage = play(*PEOPLE)

    answer = admin_client.post(f"{EXPORT}?selected={stage.ids['oksana']},{stage.ids['hanna']},x", {"format": "csv"})

    assert names(answer) == []
    assert names(admin_client.post(f"{EXPORT}?selected=x", {"format": "csv"})) == []


def test_excel_is_offered_first_and_opens(admin_client, play):
    play(*PEOPLE)

    page = admin_client.get(EXPORT)
    answer = admin_client.post(EXPORT, {"format": "xlsx"})

    assert page.context["form"]["format"].value() == "xlsx"
    [sheet] = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
    assert sheet.max_row == 4
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")


def test_an_unknown_format_is_asked_again(admin_client, play):
    play(*PEOPLE)

    answer = admin_client.post(EXPORT, {"format": "exe"})

    assert "Content-Disposition" not in answer
    assert answer.context["form"].errors


def test_a_filter_whose_field_is_gone_leads_back_to_the_list(admin_client, play):
    play(*PEOPLE)

    assert admin_client.get(EXPORT, {"fields.gone": "1"}).url == LIST
    assert admin_client.post(f"{EXPORT}?fields.gone=1", {"format": "csv"}).url == LIST


def test_only_the_columns_of_the_list_are_exported_where_that_is_asked(admin_client, play):
    play(*PEOPLE)

    usual = admin_client.post(EXPORT, {"format": "csv", "columns": "shown"})
    admin_client.post(reverse("admin:contacts_contact_columns"), {"columns": ["town", "first_name"]})
    chosen = admin_client.post(EXPORT, {"format": "csv", "columns": "shown"})
    admin_client.post(EXPORT, {"format": "csv", "when": "later", "columns": "shown"})

    names, states, addresses = ["first_name", "last_name"], ["email_state", "phone_state"], ["email", "phone"]
    assert head_of(usual) == [*names, *states, *addresses, "external_id", "updated_at"]
    assert head_of(chosen) == [*names, "town"]
    assert ContactExport.objects.get().columns == [*names, "town"]


@pytest.mark.django_db(transaction=True)
def test_what_a_list_shows_is_written_in_the_background_with_its_conditions(
    admin_client, play, run_jobs, settings, tmp_path
):
    settings.EXPORTS_DIR = tmp_path / "exports"
    play(*PEOPLE)

    for query in ("?state=deleted", "?q=taras", ""):
        admin_client.post(f"{EXPORT}{query}", {"format": "csv", "when": "later"})
    run_jobs()

    found = []
    for export in ContactExport.objects.order_by("pk"):
        file = admin_client.get(reverse("admin:contacts_contactexport_file", args=[export.pk]))
        content = b"".join(file.streaming_content).decode("utf-8-sig")
        found.append([row["first_name"] for row in csv.DictReader(io.StringIO(content))])
    assert found == [["Ivan"], ["Taras"], ["Olena", "Bohdan", "Taras"]]
    listed = admin_client.get(reverse("admin:contacts_contactexport_changelist")).content.decode()
    assert "What the list showed" in listed
    assert "All contacts" in listed
    about = [f"contacts.contactexport:{export.pk}" for export in ContactExport.objects.order_by("pk")]
    noted = AuditEntry.objects.order_by("pk").values_list("action", "about")
    assert list(noted) == [(done, what) for done in ("exported", "downloaded") for what in about]


def test_a_file_at_once_is_written_down(admin_client, play, admin_user):
    play(*PEOPLE)

    admin_client.post(f"{EXPORT}?has_email=yes", {"format": "csv"})

    entry = AuditEntry.objects.get(action="exported")
    told = {"contacts": 2, "format": "csv", "chosen": "Email: has one", "columns": []}
    assert (entry.by, entry.details) == (f"user:{admin_user.pk}", told)


def test_too_many_contacts_are_written_in_the_background_alone(admin_client, db):
    now = timezone.now()
    crowd = (Contact(first_name="Olena", created_at=now, updated_at=now) for _ in range(EXPORTED_AT_MOST + 1))
    Contact.objects.bulk_create(crowd)

    page = admin_client.get(EXPORT)
    at_once = admin_client.post(EXPORT, {"format": "csv", "when": "now"})

    for shown in (page, at_once):
        assert "Content-Disposition" not in shown
        assert "This one is written in the background" in shown.content.decode()
    assert list(dict(page.context["form"].fields["when"].choices)) == ["later"]
    later = admin_client.post(EXPORT, {"format": "csv"})
    assert later.url == reverse("admin:contacts_contactexport_change", args=[ContactExport.objects.get().pk])
    Contact.objects.filter(pk=Contact.objects.earliest("pk").pk).delete()
    assert len(names(admin_client.post(EXPORT, {"format": "csv"}))) == EXPORTED_AT_MOST


def test_the_list_links_to_the_export_with_its_filters(admin_client, play):
    play(*PEOPLE)

    assert f'href="{EXPORT}?has_email=no"' in admin_client.get(LIST, {"has_email": "no"}).content.decode()


@pytest.mark.parametrize("codenames", [("view_contact", "change_contact", "delete_contact"), ("export_contact",)])
def test_who_has_not_both_permissions_cannot_export_by_any_way(play, codenames):
    stage = play(*PEOPLE)
    client = clerk_with(*codenames)
    chosen = {"_selected_action": [stage.ids["olena"]], "selected": [stage.ids["olena"]], "format": "csv"}

    answers = [
        client.get(EXPORT),
        client.get(f"{EXPORT}?q=olena"),
        client.post(EXPORT, chosen),
        client.post(EXPORT, {"format": "xlsx"}),
        client.post(LIST, {"action": "export_selected", **chosen}),
    ]

    assert [answer.status_code for answer in answers[:4]] == [403] * 4
    assert answers[4].status_code in (302, 403)  # the list knows no such action
    assert not any("Content-Disposition" in answer for answer in answers)


def test_who_may_look_sees_no_export_and_who_may_export_does(play):
    play(*PEOPLE)
    looker = clerk_with("view_contact")
    page = looker.get(LIST).content.decode()
    assert EXPORT not in page
    assert "export_selected" not in page
    User.objects.all().delete()

    exporter = clerk_with("view_contact", "export_contact")

    page = exporter.get(LIST).content.decode()
    assert EXPORT in page
    assert "export_selected" in page
    assert "delete_selected" not in page
    assert names(exporter.post(EXPORT, {"format": "csv"})) == ["Olena", "Taras", "Bohdan"]


def test_nobody_exports_without_signing_in(client, play):
    play(*PEOPLE)

    assert client.get(EXPORT).status_code == client.post(EXPORT, {"format": "csv"}).status_code == 302
