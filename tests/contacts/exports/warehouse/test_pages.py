"""The pages of warehouses: keeping a target, testing it, choosing what leaves, running and looking what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from contacts.exports.warehouse.choosing import choose_all
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.models import CustomField, ExportRun, ExportTable, ExportTarget
from crm.admin.waiting import forget_counts
from crm.models import AuditEntry
from crm.secrets import decrypt

LIST = reverse("admin:contacts_exporttarget_changelist")
ADD = reverse("admin:contacts_exporttarget_add")
DSN = "postgresql://writer:geheim@warehouse.example.com:5432/company"

pytestmark = pytest.mark.django_db


def written(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Company",
        "kind": "postgresql",
        "dsn": DSN,
        "schema": "cardfile",
        "sslmode": "prefer",
        "deletions": "flag",
        "every_minutes": "60",
        "cron": "",
        "is_active": "on",
        **changed,
    }


def page_of(target: ExportTarget) -> str:
    return reverse("admin:contacts_exporttarget_change", args=[target.pk])


def tables_of(target: ExportTarget) -> str:
    return reverse("admin:contacts_exporttarget_tables", args=[target.pk])


def press(client: Client, target: ExportTarget, verb: str) -> Any:
    return client.post(reverse("admin:contacts_exporttarget_do", args=[target.pk, verb]), follow=True)


def messages_of(answer: Any) -> str:
    return " ".join(map(str, answer.context["messages"]))


def ticked(target: ExportTarget, **columns: list[str]) -> dict[str, Any]:
    """As the page would send these data sets."""
    names = {f"table.{slug}": slug for slug in columns}
    return {"data_set": list(columns), **names, **{f"columns.{slug}": keys for slug, keys in columns.items()}}


def stands(target: ExportTarget, columns: list[str]) -> ExportTable:
    """Its contacts are at the target with these columns."""
    return ExportTable.objects.create(
        target=target,
        data_set="contacts",
        table_name="people",
        columns=columns,
        needs_full=False,
        made={key: [key, "text"] for key in columns},
        position={"journal": 1},
    )


# Keeping one


def test_a_new_target_has_every_data_set_with_every_column(admin_client: Client) -> None:
    CustomField.objects.create(key="shoe_size", label="Shoe size", type="number")

    answer = admin_client.post(ADD, written(), follow=True)

    target = ExportTarget.objects.get()
    assert answer.redirect_chain[-1][0] == page_of(target)
    assert {table.data_set for table in target.tables.all()} == set(DATA_SETS)
    contacts = target.tables.get(data_set="contacts")
    assert {"id", "external_id", "email", "is_deleted"} <= set(contacts.columns)
    assert any("shoe_size" in key for key in contacts.columns)
    assert (target.every_minutes, target.settings["schema"]) == (60, "cardfile")


def test_a_bigquery_dataset_has_a_form_of_its_own(admin_client: Client) -> None:
    address = f"{ADD}?kind=bigquery"
    place = {"kind": "bigquery", "project": "company-warehouse", "dataset_name": "cardfile", "location": "EU"}
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = {
        "type": "service_account",
        "client_email": "cardfile@company-warehouse.iam.gserviceaccount.com",
        "private_key": private.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }

    assert 'href="?kind=bigquery"' in admin_client.get(ADD).content.decode()
    opened = admin_client.get(address).content.decode()
    assert 'name="dataset_name"' in opened
    assert 'name="dsn"' not in opened
    refused = admin_client.post(address, written(**place, key="not a key"))
    assert "no key of a service account" in refused.content.decode()
    answer = admin_client.post(address, written(**place, key=json.dumps(key)), follow=True)

    target = ExportTarget.objects.get()
    assert answer.redirect_chain[-1][0] == page_of(target)
    assert (target.kind, target.settings["dataset"]) == ("bigquery", "cardfile")
    assert json.loads(decrypt(bytes(target.secret or b""))) == key
    assert "PRIVATE KEY" not in answer.content.decode()


def test_the_secret_is_encrypted_and_never_shown_again(admin_client: Client) -> None:
    added = admin_client.post(ADD, written(), follow=True)

    target = ExportTarget.objects.get()
    assert decrypt(bytes(target.secret or b"")) == DSN
    pages = [added, *(admin_client.get(address) for address in (LIST, page_of(target), tables_of(target)))]
    assert all("geheim" not in page.content.decode() for page in pages)
    assert "warehouse.example.com" in pages[1].content.decode()
    assert "geheim" not in str(list(AuditEntry.objects.values_list("details", flat=True)))


def test_a_secret_that_was_refused_is_not_shown_either(admin_client: Client) -> None:
    page = admin_client.post(ADD, written(name="", dsn=DSN)).content.decode()

    assert "geheim" not in page


def test_saving_without_a_new_secret_keeps_the_old_one(admin_client: Client) -> None:
    admin_client.post(ADD, written())
    target = ExportTarget.objects.get()

    admin_client.post(page_of(target), written(name="Warehouse", dsn=""))

    target.refresh_from_db()
    assert (target.name, decrypt(bytes(target.secret or b""))) == ("Warehouse", DSN)


REFUSED = [
    ({"name": ""}, "name", "required"),
    ({"dsn": ""}, "dsn", "postgresql://"),
    ({"dsn": "::geheim"}, "dsn", "cannot be read"),
    ({"schema": "pg_catalog"}, "schema", "cannot be the schema"),
    ({"every_minutes": "0"}, "every_minutes", "1"),
    ({"every_minutes": "", "cron": "at six"}, "cron", "five parts"),
    ({"cron": "0 6 * * *"}, "cron", "not both"),
    ({"kind": "oracle"}, "kind", "not one of the available"),
    ({"owner": "7000000"}, "owner", "not one of the available"),
]


@pytest.mark.parametrize(("changed", "field", "says"), REFUSED)
def test_what_is_wrong_is_said_beside_its_field(
    admin_client: Client, changed: dict[str, str], field: str, says: str
) -> None:
    answer = admin_client.post(ADD, written(**changed))

    assert says in str(answer.context["adminform"].form.errors[field])
    assert not ExportTarget.objects.exists()


def test_without_a_key_it_is_said_how_to_make_one(admin_client: Client, settings: Any) -> None:
    settings.SECRETS_KEY = []

    answer = admin_client.post(ADD, written())

    assert "generate_key" in str(answer.context["adminform"].form.errors["dsn"])
    assert not ExportTarget.objects.exists()


def test_another_place_is_refused_while_a_run_is_under_way(admin_client: Client) -> None:
    admin_client.post(ADD, written())
    target = ExportTarget.objects.get()
    ExportRun.objects.create(target=target, kind="full", by="user:1", status="running")

    answer = admin_client.post(page_of(target), written(schema="elsewhere", dsn=""))

    assert "under way" in answer.content.decode()
    target.refresh_from_db()
    assert target.settings["schema"] == "cardfile"


def test_who_changed_it_is_written_down_without_the_secret(admin_client: Client) -> None:
    admin_client.post(ADD, written())
    target = ExportTarget.objects.get()
    admin_client.post(page_of(target), written(name="Warehouse", dsn=DSN.replace("geheim", "neu")))

    added, changed = AuditEntry.objects.filter(about=f"contacts.exporttarget:{target.pk}").order_by("pk")
    assert (added.action, changed.action) == ("added", "changed")
    assert changed.details["name →"] == ["Company", "Warehouse"]
    assert changed.details["secret →"] == ["•••", "•••"]


def test_deleting_one_takes_its_runs_and_says_that_the_tables_stay(
    admin_client: Client, have_target: Callable[..., ExportTarget]
) -> None:
    target = have_target()
    ExportRun.objects.create(target=target, kind="full", by="user:1", status="finished")

    address = reverse("admin:contacts_exporttarget_delete", args=[target.pk])
    answer = admin_client.post(address, {"post": "yes"}, follow=True)

    assert "stay in the warehouse" in messages_of(answer)
    assert not ExportTarget.objects.exists()


# Testing and running


def test_the_connection_is_tested_and_what_came_of_it_stays(
    admin_client: Client, have_target: Callable[..., ExportTarget], company: Any
) -> None:
    admin_client.post(ADD, written(dsn=company.dsn))
    target = ExportTarget.objects.get()

    assert "The connection works" in messages_of(press(admin_client, target, "test"))
    company.server.execute("DROP SCHEMA cardfile CASCADE")
    answer = press(admin_client, target, "test")

    target.refresh_from_db()
    assert target.check_error
    assert target.check_error in answer.content.decode().replace("&quot;", '"').replace("&#x27;", "'")


def test_a_run_is_asked_for_shown_and_cancelled(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    choose_all(target)

    asked = press(admin_client, target, "run")
    again = press(admin_client, target, "full")
    run = ExportRun.objects.get()
    progress = admin_client.get(reverse("admin:contacts_exporttarget_progress", args=[target.pk])).json()
    cancelled = press(admin_client, target, "cancel")

    assert "It begins in a moment." in messages_of(asked)
    assert "under way" in messages_of(again)
    assert (run.kind, progress["state"], progress["line"]) == ("incremental", "queued", "Waiting for the worker…")
    assert "It stops after" in messages_of(cancelled)
    run.refresh_from_db()
    assert run.status == "cancelled"
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.about, entry.details["kind"]) == (f"contacts.exporttarget:{target.pk}", "incremental")


def test_a_full_run_sends_everything_anew(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    table = stands(target, ["id", "email"])

    press(admin_client, target, "full")

    table.refresh_from_db()
    assert table.needs_full
    assert ExportRun.objects.get().kind == "full"


def test_a_target_without_tables_is_not_run(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    answer = press(admin_client, have_target(), "run")

    assert "Choose what is to be exported." in messages_of(answer)


def test_the_progress_of_a_run_is_told(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    progress = {"data_set": "contacts", "done": 250, "total": 1000}
    ExportRun.objects.create(target=target, kind="full", by="user:1", status="running", progress=progress)

    answer = admin_client.get(reverse("admin:contacts_exporttarget_progress", args=[target.pk])).json()

    assert (answer["percent"], answer["line"]) == (25, "Contacts: 250 of about 1,000")


def test_the_history_has_rows_bytes_duration_and_error(
    admin_client: Client, have_target: Callable[..., ExportTarget]
) -> None:
    began, ended = datetime(2026, 11, 1, 6, 0, tzinfo=UTC), datetime(2026, 11, 1, 6, 2, tzinfo=UTC)
    target = have_target(failed_at=ended)
    counts = {"contacts": {"written": 1200, "removed": 3}}
    ExportRun.objects.create(
        target=target, kind="full", by="rule:schedule", status="finished", started_at=began, finished_at=ended,
        counts=counts, bytes=5 * 1024 * 1024,
    )  # fmt: skip
    ExportRun.objects.create(
        target=target, kind="incremental", by="user:1", status="failed", error="Make room there.", finished_at=ended
    )

    page = admin_client.get(page_of(target)).content.decode()

    for said in ("Contacts: 1,200 written, 3 removed", "5.0 MB", "2 minutes", "The clock", "Make room there."):
        assert said in page
    assert "Make room there." in admin_client.get(LIST).content.decode()


def test_the_dashboard_and_the_sidebar_say_when_one_failed(
    admin_client: Client, have_target: Callable[..., ExportTarget]
) -> None:
    have_target(failed_at=datetime.now(UTC))
    forget_counts()

    assert "1 warehouse is not up to date" in admin_client.get(reverse("admin:index")).content.decode()


# Choosing


def test_exactly_what_is_ticked_leaves(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    choose_all(target)

    admin_client.post(tables_of(target), ticked(target, contacts=["email"]))

    table = target.tables.get()
    assert (table.data_set, table.columns) == ("contacts", ["id", "email"])


def test_adding_a_column_says_that_it_will_be_filled(
    admin_client: Client, have_target: Callable[..., ExportTarget]
) -> None:
    target = have_target()
    table = stands(target, ["id", "email"])

    answer = admin_client.post(tables_of(target), ticked(target, contacts=["email", "external_id"]), follow=True)

    assert "adds 1 column at the target and fills it" in messages_of(answer)
    table.refresh_from_db()
    assert table.columns_to_fill == ["external_id"]
    assert "1 column is added and filled by the next run." in answer.content.decode()
    entry = AuditEntry.objects.get(about=f"contacts.exporttarget:{target.pk}")
    assert set(entry.details["contacts →"][1]) == {"id", "email", "external_id"}


def test_the_name_of_a_table_that_stands_stays(admin_client: Client, have_target: Callable[..., ExportTarget]) -> None:
    target = have_target()
    stands(target, ["id", "email"])

    admin_client.post(tables_of(target), {**ticked(target, contacts=["email"]), "table.contacts": "others"})

    assert target.tables.get().table_name == "people"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"table.contacts": 'x"; DROP'}, "small letters"),
        ({"table.contacts": "a" * 41}, "small letters"),
        ({"table.contacts": "identifiers"}, "Another table has this name"),
        ({"columns.contacts": ["shoe_size"]}, "no column"),
        ({"data_set": ["contacts", "identifiers", "secrets"]}, "no such data set"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_a_sentence(
    admin_client: Client, have_target: Callable[..., ExportTarget], changed: dict[str, Any], says: str
) -> None:
    target = have_target()

    sent = {**ticked(target, contacts=["email"], identifiers=["value"]), **changed}
    answer = admin_client.post(tables_of(target), sent)

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not target.tables.exists()


def test_two_tables_that_change_names_are_refused_not_broken(
    admin_client: Client, have_target: Callable[..., ExportTarget]
) -> None:
    target = have_target()
    admin_client.post(tables_of(target), ticked(target, contacts=["email"], identifiers=["value"]))

    sent = ticked(target, contacts=["email"], identifiers=["value"])
    swapped = {**sent, "table.contacts": "identifiers", "table.identifiers": "contacts"}
    answer = admin_client.post(tables_of(target), swapped)

    assert "Save one new name at a time." in answer.content.decode()


# Who may


def test_who_may_not_export_contacts_changes_nothing_though_other_rights_are_there(
    have_target: Callable[..., ExportTarget],
) -> None:
    target = have_target()
    choose_all(target)
    clerk = User.objects.create_user("clerk", is_staff=True)
    names = [f"{verb}_exporttarget" for verb in ("view", "add", "change", "delete")]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(clerk)

    assert client.get(page_of(target)).status_code == 200
    assert client.post(ADD, written()).status_code == 403
    assert client.post(page_of(target), written()).status_code == 403
    assert client.post(tables_of(target), {}).status_code == 403
    for verb in ("test", "run", "full", "cancel"):
        assert press(client, target, verb).status_code == 403
    assert not ExportRun.objects.exists()


@pytest.mark.parametrize("address", ["do/run/", "do/nothing/", "tables/", "progress/"])
def test_a_target_that_is_gone_is_not_found(admin_client: Client, address: str) -> None:
    answer = admin_client.post(f"{LIST}7000000/{address}")

    assert answer.status_code in (403, 404)
