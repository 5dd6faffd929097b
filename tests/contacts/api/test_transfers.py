"""Files of contacts, in and out: jobs, their links, and all that is refused."""

import csv
import http.server
import io
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from contacts import identity
from contacts.exports import flow as exports
from contacts.exports.errors import DiskFull
from contacts.identity.types import API
from contacts.models import Account, Contact, ContactExport, CustomField, Import, ImportStatus
from crm.models import AuditEntry
from segments.models import Membership, Segment

pytestmark = pytest.mark.django_db

IMPORTS, EXPORTS, UPLOAD = "/api/v1/imports", "/api/v1/exports", "/api/v1/contacts/upload"
CSV = "email,First name,PROFILE.TIER,Shoe size\nolena@example.com,Olena,gold,38\nbohdan,Bohdan,,44\n"


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.IMPORTS_DIR, settings.EXPORTS_DIR = tmp_path / "imports", tmp_path / "exports"


@pytest.fixture
def tier(db):
    return CustomField.objects.create(key="tier", label="Tier")


def have(**record: Any) -> int:
    return identity.resolve_one(record, API, by="user:1").contact_id


def csv_file(text: str = CSV, name: str = "contacts.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), content_type="text/csv")


def post_form(call_api: Any, form: dict[str, Any], **extra: Any) -> Any:
    body = encode_multipart(BOUNDARY, form)
    return call_api("post", IMPORTS, body, content_type=MULTIPART_CONTENT, **extra)


def refused_at(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    told = answer.json()
    assert (told["status"], told["title"], told["code"]) == (422, "Unprocessable Entity", "invalid")
    return [entry["path"] for entry in told["validationErrors"]]


# Imports


def test_a_file_that_is_sent_along_is_imported_as_a_job(call_api, run_jobs, tier):
    answer = post_form(call_api, {"file": csv_file(), "overrideExisting": "true"})

    assert answer.status_code == 200, answer.content
    job = answer.json()
    assert (job["type"], job["status"], job["success"], job["errors"]) == ("import", "queued", 0, 0)
    run_jobs()
    job = call_api("get", f"{IMPORTS}/{job['id']}/").json()
    assert (job["status"], job["total"], job["success"], job["errors"]) == ("finished", 2, 1, 1)
    olena = Contact.objects.get()
    assert (olena.email, olena.first_name, olena.attributes) == ("olena@example.com", "Olena", {"tier": "gold"})


def test_the_bad_rows_of_a_file_are_a_report(call_api, run_jobs, client):
    job = post_form(call_api, {"file": csv_file()}).json()
    run_jobs()
    link = call_api("get", f"{IMPORTS}/{job['id']}").json()["errorReportFileUrl"]

    report = list(csv.DictReader(io.StringIO(b"".join(client.get(link).streaming_content).decode())))

    assert [(line["row"], line["code"]) for line in report] == [("3", "invalid_email")]


@pytest.mark.parametrize(
    ("choices", "name", "town"),
    [
        ({}, "Olha", None),
        ({"overrideExisting": "true"}, "Olena", "Kyiv"),
        ({"updateOnlyEmptyFields": "1"}, "Olha", "Kyiv"),
        ({"overrideExisting": "true", "updateOnlyEmptyFields": "true"}, "Olha", "Kyiv"),
    ],
)
def test_what_becomes_of_contacts_that_there_are(call_api, run_jobs, choices, name, town):
    have(email="olena@example.com", first_name="Olha")
    file = csv_file("email,first name,town\nolena@example.com,Olena,Kyiv\n")

    post_form(call_api, {"file": file, **choices})
    run_jobs()

    contact = Contact.objects.get()
    assert (contact.first_name, contact.town) == (name, town)


def test_the_status_of_an_import_maps_whom_it_made_and_changed(call_api, run_jobs):
    bohdan = have(email="bohdan@example.com")
    file = csv_file("email,town\nolena@example.com,Kyiv\nbohdan@example.com,Lviv\ntaras,Odesa\n")
    job = post_form(call_api, {"file": file, "overrideExisting": True}).json()
    assert call_api("get", f"/api/v1/importstatus/{job['id']}").json()["status"] == "STARTED"
    run_jobs()

    told = call_api("get", f"/api/v1/importstatus/{job['id']}").json()

    olena = Contact.objects.get(email="olena@example.com").pk
    assert told["status"] == "FINISHED"
    assert told["mapping"] == [
        {"dedupeValue": "bohdan@example.com", "contactId": bohdan},
        {"dedupeValue": "olena@example.com", "contactId": olena},
    ]
    assert told["progress"] == {"done": 3, "total": 3}
    assert told["errorFileUrl"]


def test_a_column_of_ids_counts_where_contacts_are_found_by_it(call_api, run_jobs):
    olena = have(email="olena@example.com")
    file = csv_file(f"id,town\n{olena},Kyiv\n")

    answer = post_form(call_api, {"file": file, "dedupeOn": "id", "overrideExisting": "yes"})
    run_jobs()

    assert answer.status_code == 200
    assert Contact.objects.get(pk=olena).town == "Kyiv"


def test_contacts_of_a_file_join_segments(call_api, run_jobs):
    post_form(call_api, {"file": csv_file(), "groupNames": ["Newsletter", "Shop"]})
    run_jobs()

    assert Membership.objects.count() == 2


REFUSED_FORMS = {
    "no file": (lambda: {"overrideExisting": "true"}, ["file"]),
    "an empty file": (lambda: {"file": csv_file("")}, ["file"]),
    "a picture": (lambda: {"file": SimpleUploadedFile("contacts.csv", b"\x89PNG\r\n\x1a\n\0\0\0")}, ["file"]),
    "no key in it": (lambda: {"file": csv_file("town\nKyiv\n")}, ["dedupeOn"]),
    "not the key that was chosen": (lambda: {"file": csv_file(), "dedupeOn": "sms"}, ["dedupeOn"]),
    "an unknown key": (lambda: {"file": csv_file(), "dedupeOn": "fax"}, ["dedupeOn"]),
    "an unknown field": (lambda: {"file": csv_file(), "dedupeOn": "fieldId", "fieldId": "9"}, ["fieldId"]),
    "neither yes nor no": (lambda: {"file": csv_file(), "overrideExisting": "perhaps"}, ["overrideExisting"]),
    "a long segment": (lambda: {"file": csv_file(), "groupNames": "x" * 201}, ["groupNames"]),
}


@pytest.mark.parametrize(("form", "paths"), REFUSED_FORMS.values(), ids=REFUSED_FORMS)
def test_what_is_wrong_with_a_form_is_named_and_nothing_stays(call_api, settings, form, paths):
    assert refused_at(post_form(call_api, form())) == paths

    assert not Import.objects.exists()
    assert not settings.IMPORTS_DIR.exists() or not list(settings.IMPORTS_DIR.iterdir())


def test_a_form_that_cannot_be_read_is_malformed(call_api):
    answer = call_api("post", IMPORTS, b"nothing", content_type="multipart/form-data; boundary=x")
    assert refused_at(answer) == ["file"]
    answer = call_api("post", IMPORTS, b"nothing", content_type="multipart/form-data")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    answer = call_api("post", IMPORTS, {"file": "x"})
    assert answer.status_code == 415


def test_a_form_that_is_too_large_is_refused_before_it_is_read(call_api):
    answer = post_form(call_api, {"file": csv_file()}, CONTENT_LENGTH=2 * 1024**3)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_imports_are_listed_the_latest_first_and_drafts_are_left_out(call_api):
    first, second = (Import.objects.create(file_name=name, status="finished", by="user:1") for name in "ab")
    failed = Import.objects.create(file_name="c", content="orders", status="failed", by="user:1", error="No.")
    Import.objects.create(file_name="draft", by="user:1")

    answer = call_api("get", f"{IMPORTS}/?maxrows=2")

    assert [(job["id"], job["content"]) for job in answer.json()] == [(failed.pk, "orders"), (second.pk, "contacts")]
    assert answer["TotalCount"] == "3"
    found = call_api("get", f"{IMPORTS}?status=finished").json()
    assert [job["id"] for job in found] == [second.pk, first.pk]
    assert call_api("get", f"{IMPORTS}?createdBefore=2020-01-01T00:00:00Z").json() == []


@pytest.mark.parametrize("path", [IMPORTS, EXPORTS])
@pytest.mark.parametrize(
    ("query", "paths"),
    [("status=late", ["status"]), ("createdAfter=soon", ["createdAfter"]), ("startindex=x", ["startindex"])],
)
def test_a_list_refuses_conditions_that_mean_nothing(call_api, path, query, paths):
    assert refused_at(call_api("get", f"{path}?{query}")) == paths


@pytest.mark.parametrize("moment", ["0334-06-19T04:52:58.862000-19:57", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("name", ["createdAfter", "createdBefore"])
@pytest.mark.parametrize("path", [IMPORTS, EXPORTS])
def test_the_ends_of_time_are_no_trouble(call_api, path, name, moment):
    assert call_api("get", path, {name: moment}).status_code in (200, 422)


@pytest.mark.parametrize("path", [f"{IMPORTS}/9", f"{EXPORTS}/9", f"{IMPORTS}/x", f"{EXPORTS}/{10**30}"])
def test_an_unknown_job_is_not_found(call_api, path):
    assert call_api("get", path).status_code == 404


STATUSES = {
    ImportStatus.FETCHING: ("queued", "STARTED"),
    ImportStatus.QUEUED: ("queued", "STARTED"),
    ImportStatus.RUNNING: ("inProgress", "IMPORTING"),
    ImportStatus.PAUSED: ("inProgress", "IMPORTING"),
    ImportStatus.UNDOING: ("inProgress", "IMPORTING"),
    ImportStatus.FINISHED: ("finished", "FINISHED"),
    ImportStatus.UNDONE: ("cancelled", "FINISHED"),
    ImportStatus.CANCELLED: ("cancelled", "ERROR"),
    ImportStatus.FAILED: ("error", "ERROR"),
}


@pytest.mark.parametrize(("status", "shown"), STATUSES.items())
def test_how_an_import_stands_in_both_words(call_api, status, shown):
    run = Import.objects.create(file_name="contacts.csv", status=status, by="user:1")

    job = call_api("get", f"{IMPORTS}/{run.pk}").json()["status"]
    session = call_api("get", f"/api/v1/importstatus/{run.pk}").json()["status"]

    assert (job, session) == shown


# Exports


@pytest.fixture
def export(call_api, run_jobs):
    """Exports, works it off, and answers the job as it is then."""

    def export(**choices: Any) -> dict[str, Any]:
        answer = call_api("post", EXPORTS, choices)
        assert answer.status_code == 200, answer.content
        assert answer.json()["status"] == "queued"
        run_jobs()
        return call_api("get", f"{EXPORTS}/{answer.json()['id']}").json()

    return export


def fetch(client: Any, link: str) -> bytes:
    answer = client.get(link)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return b"".join(answer.streaming_content)


def test_an_export_is_a_file_behind_a_link(export, client, tier):
    olena = have(email="olena@example.com", first_name="Олена", **{"fields.tier": "=1+1"})
    identity.delete_contacts([have(email="taras@example.com")], by="user:1")

    job = export(columns=["id", "email", "first_name", "fields.tier"])

    assert (job["status"], job["total"], job["success"], job["segment"]) == ("finished", 1, 1, None)
    text = fetch(client, job["fileUrl"])
    assert job["fileSize"] == len(text)
    lines = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert lines == [
        ["id", "email", "first_name", "fields.tier"],
        [str(olena), "olena@example.com", "Олена", "'=1+1"],
    ]


def test_an_export_may_be_a_json_object_a_line(export, client):
    CustomField.objects.create(key="size", label="Size", type="number")
    olena = have(email="olena@example.com", **{"fields.size": 38})

    job = export(format="JSONL")

    told = json.loads(fetch(client, job["fileUrl"]))
    assert {"id": olena, "email": "olena@example.com", "fields.size": 38, "state": "active"}.items() <= told.items()
    assert "phone" not in told


@pytest.mark.parametrize("by_name", [True, False])
def test_an_export_may_be_of_a_segment(export, client, by_name):
    have(email="olena@example.com")
    bohdan = have(email="bohdan@example.com")
    segment = Segment.objects.create(name="Shop", type="static")
    Membership.objects.create(segment=segment, contact_id=bohdan, added_at=datetime.now(UTC), by="user:1")

    job = export(segment="shop" if by_name else str(segment.pk), columns=["email"])

    assert job["segment"] == segment.pk
    assert fetch(client, job["fileUrl"]).splitlines()[1:] == [b"bohdan@example.com"]


def test_an_export_of_many_contacts_has_each_of_them_once(export, client):
    identity.resolve(({"external_id": f"C-{number}"} for number in range(5_001)), API, by="user:1")

    job = export(columns=["external_id"])

    lines = fetch(client, job["fileUrl"]).decode("utf-8-sig").splitlines()[1:]
    assert lines == [f"C-{number}" for number in range(5_001)]


def test_an_export_can_be_fetched_for_a_day(export, client, settings):
    have(email="olena@example.com")
    job = export()

    ContactExport.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert client.get(job["fileUrl"]).status_code == 404
    later = datetime.now(UTC) + timedelta(hours=1)
    assert exports.forget_old_exports(now=later) == 1
    assert not list(settings.EXPORTS_DIR.iterdir())


def test_an_export_is_withdrawn_when_somebody_is_erased(export, client, call_api):
    olena = have(email="olena@example.com")
    job = export()

    identity.erase_contacts([olena], by="user:1")

    assert client.get(job["fileUrl"]).status_code == 404
    told = call_api("get", f"{EXPORTS}/{job['id']}").json()
    assert (told["status"], told["fileUrl"]) == ("cancelled", None)
    assert told["message"].endswith("Export again.")


@pytest.mark.parametrize(
    ("format_", "compression", "begins", "ending"),
    [
        ("csv", "gzip", b"\x1f\x8b", ".csv.gz"),
        ("tsv", "zip", b"PK", ".tsv.zip"),
        ("xlsx", "none", b"PK", ".xlsx"),
        ("jsonl", "", b"{", ".jsonl"),
    ],
)
def test_an_export_has_the_format_and_the_packing_that_were_asked_for(
    export, client, format_, compression, begins, ending
):
    have(email="olena@example.com")

    job = export(format=format_, compression=compression)

    assert (job["format"], job["compression"]) == (format_, compression or "none")
    answer = client.get(job["fileUrl"])
    assert answer["Content-Disposition"].endswith(f'-{job["id"]}{ending}"')
    assert b"".join(answer.streaming_content).startswith(begins)


def test_an_export_may_be_of_contacts_that_are_named_or_found(export, client):
    olena = have(email="olena@example.com", first_name="Olena")
    bohdan = have(email="bohdan@example.com", first_name="Bohdan")
    gone = have(email="old@example.com", first_name="Bohdan")
    identity.delete_contacts([gone], by="user:1")
    have(email="taras@example.com", first_name="Taras")

    named = export(contactIds=[bohdan, str(olena)], columns=["contactId"])
    found = export(search="bohdan", columns=["contactId"])

    lines = [fetch(client, job["fileUrl"]).split()[1:] for job in (named, found)]
    assert lines == [[str(olena).encode(), str(bohdan).encode()], [str(bohdan).encode()]]


def test_who_exported_and_who_fetched_the_file_is_written_down(export, client):
    have(email="olena@example.com")
    job = export(columns=["email"], search="olena@example.com")

    fetch(client, job["fileUrl"])

    exported, downloaded = AuditEntry.objects.filter(about=f"contacts.contactexport:{job['id']}").order_by("pk")
    assert (exported.action, downloaded.action) == ("exported", "downloaded")
    assert exported.by == downloaded.by
    assert exported.by.startswith("key:")
    assert {
        "format": "csv",
        "columns": ["email"],
        "chosen": "search: olena@example.com",
    }.items() <= exported.details.items()
    assert downloaded.details["contacts"] == 1


def test_a_full_disk_is_said_and_nothing_half_written_stays(settings):
    disk = Path("/dev/full")
    with disk.open("wb", 0) as full, pytest.raises(DiskFull, match="no room on the disk"), exports.new_file("csv"):
        full.write(b"x")

    assert not list(settings.EXPORTS_DIR.iterdir())


REFUSED_EXPORTS = {
    "a list": ([], [""]),
    "an unknown segment": ({"segment": "nobody knows"}, ["segment"]),
    "an unknown id": ({"segment": 987_654}, ["segment"]),
    "a huge id": ({"segment": 10**40}, ["segment"]),
    "a segment that is an object": ({"segment": {}}, ["segment"]),
    "a NUL": ({"segment": "\0"}, ["segment"]),
    "an unknown format": ({"format": "pdf"}, ["format"]),
    "a format that is a list": ({"format": ["csv"]}, ["format"]),
    "an unknown compression": ({"compression": "rar"}, ["compression"]),
    "no contact IDs": ({"contactIds": []}, ["contactIds"]),
    "contact IDs that are none": (
        {"contactIds": [1, 0, True, "x", 10**20]},
        [f"contactIds[{n}]" for n in (1, 2, 3, 4)],
    ),
    "contact IDs and a search": ({"contactIds": [1], "search": "olena"}, ["contactIds"]),
    "contact IDs that are an object": ({"contactIds": {}}, ["contactIds"]),
    "a search with a NUL": ({"search": "a\0"}, ["search"]),
    "a search that is a list": ({"search": ["olena"]}, ["search"]),
    "an unknown column": ({"columns": ["email", "shoeSize"]}, ["columns[1]"]),
    "a column that is an object": ({"columns": [{}]}, ["columns[0]"]),
}


@pytest.mark.parametrize(("body", "paths"), REFUSED_EXPORTS.values(), ids=REFUSED_EXPORTS)
def test_what_is_wrong_with_an_export_is_named(call_api, body, paths):
    assert refused_at(call_api("post", EXPORTS, body)) == paths
    assert not ContactExport.objects.exists()


def test_exports_are_listed_the_latest_first(call_api):
    first, second = (ContactExport.objects.create(format="csv", by="key:1") for _ in range(2))

    answer = call_api("get", f"{EXPORTS}/?status=queued")

    assert [job["id"] for job in answer.json()] == [second.pk, first.pk]


@pytest.mark.parametrize(
    ("scope", "may_export", "may_import"),
    [
        ("full", True, True),
        ("contacts_and_events", True, True),
        ("contacts_and_events_write", False, True),
        ("events", False, False),
        ("read", True, False),
    ],
)
def test_whose_key_may_export_and_import(call_api, scope, may_export, may_import):
    answers = [
        call_api("post", EXPORTS, {}, scope=scope),
        post_form(call_api, {"file": csv_file()}, scope=scope),
    ]

    assert [answer.status_code != 403 for answer in answers] == [may_export, may_import]
    assert all(answer.status_code in (200, 403) for answer in answers)


# A file behind a link


class Files(http.server.BaseHTTPRequestHandler):
    """Hands out contacts, leads on, and answers all else by the status in the path."""

    def do_GET(self) -> None:
        if self.path == "/contacts.csv":
            return self.send(200, CSV.encode())
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return None
        if self.path == "/part.csv":
            return self.send(200, CSV.encode(), announced=10_000)
        if self.path == "/large.csv":
            return self.send(200, b"email\n", announced=10**9)
        return self.send(404, b"")

    def send(self, status: int, body: bytes, announced: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        return None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", path, "-out", path]
    try:
        key = subprocess.run([*command[:-1], path.with_suffix(".crt")], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl here")
    assert key.returncode == 0
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def files(certificate, monkeypatch, settings, db) -> Iterator[str]:
    """A server of files on this machine, which the account lists and the installation lets out to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8", "::1/128"]
    with http.server.ThreadingHTTPServer(("localhost", 0), Files) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"localhost:{server.server_port}"
        Account.objects.create(upload_hosts=f"other.example.com\n{host}\n")
        yield f"https://{host}"
        server.shutdown()
        thread.join()


@pytest.fixture
def upload(call_api, run_jobs):
    """Sends a link, works it off, and answers the import."""

    def upload(link: str, **choices: Any) -> Import:
        answer = call_api("post", UPLOAD, {"link": link, "dedupeOn": "email", **choices})
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert told["valid"]
        assert told["importId"] == told["asyncSessionId"]
        run_jobs()  # fetches it
        run_jobs()
        return Import.objects.get(pk=told["importId"])

    return upload


@pytest.mark.parametrize("path", ["/contacts.csv", "/to//contacts.csv", "/to//to//contacts.csv"])
def test_a_file_behind_a_link_is_fetched_and_imported(files, upload, tier, path):
    run = upload(files + path, groupNames=["Newsletter"])

    assert (run.status, run.rows_done, run.file_name) == ("finished", 2, "contacts.csv")
    assert Contact.objects.get().attributes == {"tier": "gold"}
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing.csv", "404"),
        ("/part.csv", "only a part"),
        ("/large.csv", "larger than 100 MB"),
        ("/to/https://elsewhere.example.com/contacts.csv", "may not be fetched from there"),
        ("/to/http://localhost/contacts.csv", "may not be fetched from there"),
        ("/to/file:///etc/passwd", "no address of a web server"),
        ("/to//to//to//to//to//contacts.csv", "without end"),
    ],
)
def test_a_link_that_does_not_lead_to_a_file_is_told_with_the_import(files, upload, call_api, path, reason):
    run = upload(files + path)

    assert run.status == "failed"
    assert reason in run.error
    told = call_api("get", f"/api/v1/importstatus/{run.pk}").json()
    assert (told["status"], told["description"]) == ("ERROR", run.error)
    assert not Contact.objects.exists()


def test_a_file_without_the_chosen_key_is_told_with_the_import(files, upload):
    run = upload(f"{files}/contacts.csv", dedupeOn="sms")

    assert run.status == "failed"
    assert "Phone" in run.error


REFUSED_LINKS = {
    "no link": ({"link": None}, {"link": "required"}),
    "a link that is a list": ({"link": ["https://localhost/a.csv"]}, {"link": "required"}),
    "no address": ({"link": "contacts.csv"}, {"link": "address_unreadable"}),
    "a file of ours": ({"link": "file:///etc/passwd"}, {"link": "address_unreadable"}),
    "without TLS": ({"link": "http://files.example.com/a.csv"}, {"link": "host_not_listed"}),
    "a host that is not listed": ({"link": "https://elsewhere.example.com/a.csv"}, {"link": "host_not_listed"}),
    "another port": ({"link": "https://files.example.com:8443/a.csv"}, {"link": "host_not_listed"}),
    "a name behind the listed one": (
        {"link": "https://files.example.com.example.org/a.csv"},
        {"link": "host_not_listed"},
    ),
    "a password": ({"link": "https://files.example.com@127.0.0.1/a.csv"}, {"link": "address_unreadable"}),
    "a listed host in a private network": ({"link": "https://localhost/a.csv"}, {"link": "address_forbidden"}),
    "a listed private address": ({"link": "https://10.1.2.3/a.csv"}, {"link": "address_forbidden"}),
    "a listed address in disguise": ({"link": "https://[::ffff:127.0.0.1]/a.csv"}, {"link": "address_forbidden"}),
    "no dedupeOn": ({"dedupeOn": ""}, {"dedupeOn": "required"}),
    "an unknown dedupeOn": ({"dedupeOn": "fax"}, {"dedupeOn": "unknown_dedupe"}),
}


@pytest.mark.parametrize(("change", "paths"), REFUSED_LINKS.values(), ids=REFUSED_LINKS)
def test_what_is_wrong_with_a_link_is_named_at_once(call_api, change, paths):
    Account.objects.create(upload_hosts="files.example.com\nlocalhost\n10.1.2.3\nhttps://[::ffff:127.0.0.1]\n")

    answer = call_api("post", UPLOAD, {"link": "https://localhost/a.csv", "dedupeOn": "email", **change})

    assert answer.status_code == 400
    told = {error["path"]: error["code"] for error in answer.json()["errors"]}
    assert paths.items() <= told.items()
    assert not Import.objects.exists()


@pytest.mark.parametrize("body", [[], "link", None, 7])
def test_a_link_comes_in_an_object(call_api, body):
    assert call_api("post", UPLOAD, json.dumps(body), content_type="application/json").status_code == 400


# The account's list


@pytest.mark.parametrize(
    ("hosts", "is_kept"),
    [("files.example.com\nfiles.example.org:8443", True), ("", True), ("not a host", False), ("a.com/path", False)],
)
def test_the_list_of_hosts_is_kept_on_the_accounts_page(admin_client, hosts, is_kept):
    account = Account.objects.create()
    form = {"name": "Shop", "default_phone_country": "UA", "time_zone": "UTC", "upload_hosts": hosts}

    answer = admin_client.post(f"/admin/contacts/account/{account.pk}/change/", form)

    assert (answer.status_code == 302) == is_kept
    account.refresh_from_db()
    assert account.upload_hosts.split() == (hosts.split() if is_kept else [])
