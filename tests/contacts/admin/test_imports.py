"""The pages of an import by an ordinary browser: what is shown, what is refused and where it is said, who may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contacts.imports import flow
from contacts.imports.files import store
from contacts.models import Contact, CustomField, Import, ImportStatus, UndoKept
from segments.catalogue import save_segment
from segments.models import Segment, SegmentType
from tests.contacts.imports.flowing import upload
from tests.people import have

LIST = reverse("admin:contacts_import_changelist")
ADD = reverse("admin:contacts_import_add")
OLENA = "C-1,olena@example.com,Olena"
BOHDAN = "C-2,bohdan@example.com,Bohdan"
HEADER = "external id,email,first name"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def sign_in(db: None) -> Callable[..., Client]:
    """``sign_in("view_import", …)``: a marketer who may do just that."""

    def run(*permissions: str) -> Client:
        user = User.objects.create_user(f"marketer{User.objects.count()}", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return client

    return run


def page_of(run: Import, name: str, *args: Any) -> str:
    return reverse(f"admin:contacts_import_{name}", args=[run.pk, *args])


def send(client: Client, data: bytes, name: str = "people.csv", **extra: Any) -> Any:
    return client.post(ADD, {"file": SimpleUploadedFile(name, data), **extra})


def form_of(client: Client, run: Import, **chosen: str) -> dict[str, Any]:
    """The map page's form as a browser would send it, with some of it chosen otherwise."""
    form = client.get(page_of(run, "map")).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in shown.items() if value not in (None, False, "")}
    return {**sent, **{name.replace("_of_", "-"): value for name, value in chosen.items()}}


def errors_on(answer: Any) -> dict[str, list[str]]:
    """What the map page says, by the header of the column or the name of the field."""
    form = answer.context["form"]
    columns = {line.header: line.errors for line in form.list_lines() if line.errors}
    return columns | {name: list(map(str, found)) for name, found in form.errors.items() if "-" not in name}


# Upload


def test_the_list_says_what_to_do_while_there_is_nothing(admin_client):
    page = admin_client.get(LIST).content.decode()
    assert "Nothing was imported yet" in page
    assert ADD in page


def test_an_uploaded_file_is_kept_and_its_columns_are_shown_with_what_they_become(admin_client, admin_user):
    answer = send(admin_client, f"{HEADER}\n{OLENA}\n".encode())

    run = Import.objects.get()
    assert answer.url == page_of(run, "map")
    assert (run.file_name, run.by) == ("people.csv", f"user:{admin_user.pk}")
    lines = admin_client.get(answer.url).context["lines"]
    assert [(line.header, line.target.value(), line.samples) for line in lines] == [
        ("external id", "external_id", ["C-1"]),
        ("email", "email", ["olena@example.com"]),
        ("first name", "first_name", ["Olena"]),
    ]


def test_the_script_gets_the_next_address_or_what_is_wrong(admin_client):
    accepts = {"headers": {"Accept": "application/json"}}
    good = SimpleUploadedFile("people.csv", f"{HEADER}\n{OLENA}\n".encode())
    answer = admin_client.post(ADD, {"file": good}, **accepts)
    assert json.loads(answer.content) == {"next": page_of(Import.objects.get(), "map")}

    answer = admin_client.post(ADD, {"file": SimpleUploadedFile("people.csv", b"%PDF-1.7")}, **accepts)
    assert answer.status_code == 400
    assert "PDF" in json.loads(answer.content)["error"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "people.csv", "empty"),
        (b"%PDF-1.7 \x00", "people.csv", "PDF"),
        (b"PK\x03\x04 and nothing more", "people.zip", "zip file is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing more", "people.xls", "Excel file cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused_on_the_same_page_and_not_kept(admin_client, settings, content, name, said):
    answer = send(admin_client, content, name)
    assert answer.status_code == 400
    assert said in answer.context["error"]
    assert 'role="alert"' in answer.content.decode()
    assert not Import.objects.exists()
    assert not [path for path in settings.IMPORTS_DIR.glob("*") if path.is_file()]


def test_without_a_file_the_page_asks_for_one(admin_client):
    answer = admin_client.post(ADD, {})
    assert answer.context["error"] == "Choose a file first."


def test_an_upload_needs_a_token_and_the_body_is_not_read_before_the_permission(admin_user, sign_in):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert send(strict, b"email\nolena@example.com\n").status_code == 403
    page = strict.get(ADD).content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert send(strict, b"email\nolena@example.com\n", csrfmiddlewaretoken=token).status_code == 302
    assert send(sign_in("view_import"), b"email\nbohdan@example.com\n").status_code == 403
    assert Import.objects.count() == 1


# The map


def test_a_file_is_read_again_in_another_way_at_once(admin_client):
    run = upload("external id;email;first name", "C-1;olena@example.com;Olena")
    answer = admin_client.post(
        page_of(run, "reread"), {"encoding": "utf-8", "delimiter": ",", "has_header": "yes"}, follow=True
    )
    assert [line.header for line in answer.context["lines"]] == ["external id;email;first name"]

    answer = admin_client.post(
        page_of(run, "reread"), {"encoding": "utf-8", "delimiter": ";", "has_header": "no"}, follow=True
    )
    assert [line.header for line in answer.context["lines"]] == ["Column 1", "Column 2", "Column 3"]


def test_an_encoding_that_the_file_is_not_in_is_refused_beside_it(admin_client):
    run = flow.begin(
        store(["email,first name\nolena@example.com,Олена\n".encode("cp1251")], "a.csv"), "a.csv", by="user:1"
    )
    assert run.encoding == "windows-1251"
    answer = admin_client.post(page_of(run, "reread"), {"encoding": "utf-8", "delimiter": ",", "has_header": "yes"})
    assert answer.status_code == 400
    assert any(errors for errors in answer.context["reading"].errors.values())
    assert [line.header for line in answer.context["lines"]] == ["email", "first name"]


def test_two_columns_that_become_the_same_are_refused_at_the_second(admin_client):
    run = upload(HEADER, OLENA)
    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run, target_of_2="email"))
    assert answer.status_code == 400
    assert list(errors_on(answer)) == ["first name"]
    run.refresh_from_db()
    assert run.status == ImportStatus.UPLOADED


def test_a_key_that_no_column_has_is_refused_at_the_key(admin_client):
    run = upload(HEADER, OLENA)
    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run, key="phone"))
    assert list(errors_on(answer)) == ["key"]
    assert "Phone" in errors_on(answer)["key"][0]


def test_choices_that_exclude_each_other_are_refused_and_unfolded(admin_client):
    run = upload(HEADER, OLENA)
    chosen = form_of(admin_client, run, fill_blanks_only="on", empty_cells="clear")
    answer = admin_client.post(page_of(run, "map"), chosen)
    assert list(errors_on(answer)) == ["fill_blanks_only"]
    assert '<details class="cf-card cf-more" open>' in answer.content.decode()


def test_a_consent_without_a_basis_is_refused_at_the_basis(admin_client):
    run = upload("email,agreed", "olena@example.com,yes")
    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run, target_of_1="consent"))
    assert {"consent_basis", "consent_category"} <= set(errors_on(answer))


def test_the_page_says_that_the_external_id_is_found_first(admin_client):
    run = upload(HEADER, OLENA)
    assert not admin_client.get(page_of(run, "map")).context["form"].notes_external_id
    chosen = form_of(admin_client, run, key="email", target_of_2="email")
    answer = admin_client.post(page_of(run, "map"), chosen)
    assert answer.context["form"].notes_external_id
    assert "looked for first" in answer.content.decode()


def test_a_new_custom_field_is_made_with_the_type_that_its_values_have(admin_client, run_jobs):
    run = upload("email,Shoe size", "olena@example.com,38")
    form = admin_client.get(page_of(run, "map")).context["form"]
    assert form["type-1"].value() == "number"
    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run, target_of_1="new"))
    assert answer.status_code == 302
    field = CustomField.objects.get()
    assert (field.key, field.label, field.type) == ("shoe_size", "Shoe size", "number")


def test_a_new_field_of_a_name_that_is_taken_is_refused_and_nothing_is_made(admin_client):
    CustomField.objects.create(key="size", label="Shoe size")
    run = upload("email,Schuh", "olena@example.com,38")
    chosen = form_of(admin_client, run, target_of_1="new", label_of_1="shoe size")
    answer = admin_client.post(page_of(run, "map"), chosen)
    assert list(errors_on(answer)) == ["Schuh"]
    assert CustomField.objects.count() == 1


def test_only_those_who_may_make_fields_and_delete_contacts_are_offered_to(sign_in):
    run = upload(HEADER, OLENA)
    client = sign_in("view_import", "add_import")
    page = client.get(page_of(run, "map"))
    assert "New custom field" not in page.content.decode()
    assert [mode["value"] for mode in page.context["modes"]] == ["upsert", "create", "update"]
    answer = client.post(page_of(run, "map"), form_of(client, run, mode="delete", target_of_2="new"))
    assert answer.status_code == 400
    assert set(errors_on(answer)) == {"mode", "first name"}


def test_a_file_of_many_columns_is_mapped(admin_client):
    run = upload(
        ",".join(["email", *(f"column {n}" for n in range(400))]), ",".join(["olena@example.com", *["x"] * 400])
    )
    answer = admin_client.post(page_of(run, "map"), form_of(admin_client, run))
    assert answer.status_code == 302
    run.refresh_from_db()
    assert (run.status, len(run.mapping)) == (ImportStatus.PREVIEWING, 401)


# The preview


@pytest.fixture
def previewed(admin_client, admin_user, run_jobs, play) -> Callable[..., Import]:
    """An import of these lines whose preview is made."""

    def run(*lines: str, **chosen: str) -> Import:
        found = upload(*lines, by=f"user:{admin_user.pk}")
        assert admin_client.post(page_of(found, "map"), form_of(admin_client, found, **chosen)).status_code == 302
        run_jobs()
        found.refresh_from_db()
        return found

    return run


def test_the_preview_shows_old_and_new_and_why(admin_client, previewed, play):
    stage = play(have("olena", {"external_id": "C-1", "first_name": "Olga"}))
    run = previewed(HEADER, OLENA, BOHDAN)
    answer = admin_client.get(page_of(run, "preview"))
    changed, new = answer.context["rows"]
    assert (changed.outcome, changed.contact_id, changed.matched_by) == (
        "Changed",
        stage.ids["olena"],
        "by external ID",
    )
    assert {(one.label, one.before, one.after) for one in changed.changes} >= {("First name", "Olga", "Olena")}
    assert (new.outcome, new.contact_id) == ("New", None)
    assert {tile.name: tile.shown for tile in answer.context["tiles"]}["created"] == "1"
    assert not Contact.objects.filter(external_id="C-2").exists()


def test_the_tiles_filter_and_the_table_goes_on_by_pages(admin_client, previewed):
    run = previewed(HEADER, *(f"N-{n},n{n}@example.com,Nina" for n in range(60)), ",nobody,Nobody")
    page = admin_client.get(page_of(run, "preview"))
    assert len(page.context["rows"]) == 50
    assert len(admin_client.get(page_of(run, "preview") + page.context["next_url"]).context["rows"]) == 11
    failed = admin_client.get(page_of(run, "preview"), {"show": "failed"})
    assert [row.status for row in failed.context["rows"]] == ["failed"]
    none = admin_client.get(page_of(run, "preview"), {"show": "restored"}).content.decode()
    assert "No row ends like this." in none


def test_a_wrong_cell_is_corrected_in_place(admin_client, previewed, run_jobs):
    run = previewed(HEADER, OLENA, "C-2,bohdan@,Bohdan")
    [problem] = admin_client.get(page_of(run, "preview"), {"show": "failed"}).context["rows"][0].problems or [None]
    assert (problem.label, problem.value, problem.place) == ("email", "bohdan@", 1)

    fix = {"row": "3", "column": "1", "value": "bohdan@example.com", "back": page_of(run, "preview")}
    answer = admin_client.post(page_of(run, "fix"), fix)
    assert answer.url == page_of(run, "preview") + "#row-3"
    admin_client.post(page_of(run, "do", "preview"))
    run_jobs()
    run.refresh_from_db()
    assert (run.preview_counts["created"], run.preview_counts["failed"]) == (2, 0)


def test_a_correction_leads_back_to_no_other_site(admin_client, previewed):
    run = previewed(HEADER, OLENA)
    answer = admin_client.post(page_of(run, "fix"), {"row": "2", "column": "1", "value": "", "back": "//evil.example"})
    assert answer.url.startswith(page_of(run, "preview"))


def test_the_rows_with_errors_come_as_a_file_to_repair(admin_client, previewed):
    run = previewed(HEADER, OLENA, "C-2,bohdan@,=Bohdan")
    answer = admin_client.get(page_of(run, "errors"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "people" not in text
    assert "bohdan@" in text
    assert "olena@example.com" not in text.splitlines()[1]
    assert "'=Bohdan" in text
    assert "contacts.errors.csv" in answer["Content-Disposition"]
    assert run.stored_name not in answer["Content-Disposition"]


def test_a_preview_whose_rows_were_lost_in_a_crash_is_offered_again(admin_client, previewed):
    run = previewed(HEADER, OLENA)
    assert [str(action.label) for action in admin_client.get(page_of(run, "preview")).context["actions"]] == [
        "Import now"
    ]
    run.preview_rows.all().delete()
    page = admin_client.get(page_of(run, "preview"))
    assert "The rows of this preview are gone." in page.content.decode()
    assert [str(action.label) for action in page.context["actions"]] == ["Make the preview again", "Import now"]


# The run, and after


@pytest.fixture
def finished(admin_client, previewed, run_jobs) -> Callable[..., Import]:
    def run(*lines: str, **chosen: str) -> Import:
        found = previewed(*lines, **chosen)
        admin_client.post(page_of(found, "do", "start"))
        run_jobs()
        found.refresh_from_db()
        assert found.status == ImportStatus.FINISHED, found.error
        return found

    return run


def test_an_import_is_started_and_its_page_follows_it_to_the_end(admin_client, previewed, run_jobs):
    run = previewed(HEADER, OLENA, BOHDAN)
    answer = admin_client.post(page_of(run, "do", "start"), follow=True)
    assert answer.redirect_chain[-1][0] == page_of(run, "change")
    assert answer.context["progress"]["line"] == "Waiting for the worker…"
    assert admin_client.get(page_of(run, "progress")).json()["state"] == "queued"
    run_jobs()
    progress = admin_client.get(page_of(run, "progress")).json()
    assert (progress["state"], progress["counts"]["created"]) == ("finished", "2")
    page = admin_client.get(page_of(run, "change"))
    assert "The import is done: 2 rows" in page.context["sentence"]
    assert Contact.objects.count() == 2


def test_it_can_be_paused_and_go_on(admin_client, previewed, run_jobs):
    run = previewed(HEADER, OLENA)
    admin_client.post(page_of(run, "do", "start"))
    page = admin_client.post(page_of(run, "do", "pause"), follow=True)
    assert [str(action.label) for action in page.context["actions"]] == ["Go on", "Cancel the rest"]
    admin_client.post(page_of(run, "do", "resume"))
    run_jobs()
    run.refresh_from_db()
    assert run.status == ImportStatus.FINISHED


def test_a_verb_that_does_not_fit_is_refused_with_a_message(admin_client, finished):
    run = finished(HEADER, OLENA)
    page = admin_client.post(page_of(run, "do", "start"), follow=True)
    assert "Open its page again." in next(str(message) for message in page.context["messages"])
    assert admin_client.post(page_of(run, "do", "explode")).status_code == 404
    assert admin_client.get(page_of(run, "do", "start")).status_code == 405


def test_the_page_says_who_when_what_and_where_its_contacts_are(admin_client, finished):
    segment = save_segment(Segment(name="Newsletter", type=SegmentType.STATIC))
    run = finished(HEADER, OLENA, ",nobody,Nobody", add_to_segments=str(segment.pk))
    page = admin_client.get(page_of(run, "change"))
    facts = {fact.label: fact for fact in page.context["facts"]}
    assert (facts["File"].text, facts["Who"].text) == ("contacts.csv", "admin")
    assert facts["Errors"].text == "1 row to repair"
    assert facts["Contacts"].link == reverse("admin:segments_segment_of_import", args=[run.pk])
    assert next((one["header"], one["target"]) for one in page.context["mapping"]) == ("external id", "External ID")
    assert "Newsletter" in [fact.text for fact in page.context["choices"]]
    assert [row["outcome"] for row in page.context["rows"]] == ["Error"]


def test_the_file_comes_back_under_its_name_and_no_path_shows(admin_client, finished):
    run = finished(HEADER, OLENA)
    answer = admin_client.get(page_of(run, "file"))
    assert b"".join(answer.streaming_content).decode().startswith(HEADER)
    assert answer["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    assert run.stored_name not in admin_client.get(page_of(run, "change")).content.decode()
    Import.objects.filter(pk=run.pk).update(stored_name="../secret_key")
    assert admin_client.get(page_of(run, "file")).status_code == 302


def test_another_file_is_imported_with_the_same_mapping(admin_client, finished):
    run = finished("Nummer,email", "C-1,olena@example.com", target_of_0="external_id", key="external_id")
    assert "contacts.csv" in admin_client.get(ADD, {"like": run.pk}).content.decode()
    answer = send(admin_client, b"email,Nummer\nbohdan@example.com,C-2\n", like=run.pk)
    again = Import.objects.latest("pk")
    assert answer.url == page_of(again, "map")
    assert [entry["target"] for entry in again.mapping] == ["email", "external_id"]


def test_the_same_file_is_imported_again(admin_client, finished):
    run = finished(HEADER, OLENA)
    answer = admin_client.post(page_of(run, "do", "again"))
    again = Import.objects.latest("pk")
    assert again.pk != run.pk
    assert answer.url == page_of(again, "map")


def test_undo_says_first_what_will_happen_and_then_takes_it_back(admin_client, finished, run_jobs):
    run = finished(HEADER, OLENA, BOHDAN)
    page = admin_client.get(page_of(run, "undo")).content.decode()
    assert "Contacts that it made: 2." in page
    answer = admin_client.post(page_of(run, "undo"), follow=True)
    assert answer.context["progress_title"] == "The import is being taken back"
    run_jobs()
    page = admin_client.get(page_of(run, "change"))
    assert page.context["sentence"].startswith("Taken back: 2 new contacts removed")
    assert not Contact.objects.filter(state=1).exists()


def test_what_the_undo_kept_is_listed_with_links(admin_client, finished, play):
    stage = play(have("taras", {"external_id": "C-9", "first_name": "Taras"}))
    run = finished(HEADER, OLENA)
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.UNDONE, undo_counts={"kept": 1})
    UndoKept.objects.create(import_run=run, contact_id=stage.ids["taras"], columns=["town"], reason="It was changed.")
    page = admin_client.get(page_of(run, "change"))
    assert [(one["name"], one["columns"]) for one in page.context["kept"]] == [("Taras", "Town")]
    assert reverse("admin:contacts_contact_change", args=[stage.ids["taras"]]) in page.content.decode()


def test_a_preview_that_failed_says_why_and_lets_the_mapping_be_changed(admin_client):
    run = upload(HEADER, OLENA)
    Import.objects.filter(pk=run.pk).update(status=ImportStatus.FAILED, error="The file changed while it was read.")
    page = admin_client.get(page_of(run, "change"))
    assert "The file changed while it was read." in page.content.decode()
    assert page_of(run, "map") in page.content.decode()
    assert admin_client.get(page_of(run, "map")).status_code == 200


# Who may


def test_who_may_only_look_sees_imports_and_can_do_nothing(sign_in, admin_client, finished):
    run = finished(HEADER, OLENA)
    client = sign_in("view_import")
    page = client.get(page_of(run, "change"))
    assert page.status_code == 200
    assert "Undo this import" not in page.content.decode()
    assert ADD not in client.get(LIST).content.decode()
    for name in ("map", "undo"):
        assert client.get(page_of(run, name)).status_code == 403
    for name in ("reread", "fix", "undo"):
        assert client.post(page_of(run, name)).status_code == 403
    assert client.post(page_of(run, "do", "again")).status_code == 403
    assert client.get(ADD).status_code == 403


def test_who_may_import_sees_what_comes_of_it(sign_in, run_jobs):
    client = sign_in("add_import")
    send(client, f"{HEADER}\n{OLENA}\n".encode())
    run = Import.objects.get()
    client.post(page_of(run, "map"), form_of(client, run))
    run_jobs()
    assert client.get(page_of(run, "preview")).context["rows"][0].outcome == "New"
    assert client.get(LIST).status_code == 200


def test_who_may_not_look_gets_no_page_and_no_file(sign_in, admin_client, finished):
    run = finished(HEADER, OLENA)
    client = sign_in("view_contact")
    for name in ("change", "preview", "progress", "errors", "file", "map", "undo"):
        assert client.get(page_of(run, name)).status_code == 403, name
    assert client.get(LIST).status_code == 403
    assert Client().get(page_of(run, "file")).status_code == 302


def test_an_import_that_is_not_there_is_not_found(admin_client):
    for name in ("change", "map", "preview", "progress", "file", "errors", "undo"):
        assert admin_client.get(reverse(f"admin:contacts_import_{name}", args=[999])).status_code == 404, name
