"""Every choice of an import, through real files: what stands there before, the file, what stands there after."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from contacts import identity, populations
from contacts.identity import Mode
from contacts.identity.types import API
from contacts.imports import flow
from contacts.imports.failures import repair_file
from contacts.imports.files import store
from contacts.imports.plan import Options
from contacts.imports.run import COUNTED, open_import, run_import
from contacts.models import Change, Consent, Contact, CustomField, Event, Import, ImportEffect, ImportRow
from segments.models import Membership, Segment, SegmentType
from tests.contacts.imports.files import write_csv
from tests.contacts.imports.flowing import BY, map_columns, upload

Person = dict[str, Any]
Jobs = Callable[[], None]

OLENA = {"external_id": "C1", "email": "olena@example.com", "phone": "+380501234567", "first_name": "Olena"}
BOHDAN = {"email": "bohdan@example.com", "first_name": "Bohdan"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.IMPORTS_DIR = tmp_path / "imports"


class Case(NamedTuple):
    """``after`` are the external ID, email, first name, town and size of all contacts, ``.`` where there is none and
    ``-`` before that of a deleted one; ``counts`` are those that are not zero."""

    name: str
    options: Options
    file: Sequence[str]
    after: Sequence[str]
    counts: str
    before: Sequence[Person] = (OLENA, BOHDAN)
    deleted: Sequence[str] = ()
    codes: Sequence[str] = ()


BY_EMAIL = Options(key="email")
ROWS = ("email,first_name,town", "olena@example.com,Olga,Lviv", "taras@example.com,Taras,")

CASES = [
    Case(
        "create and update",
        BY_EMAIL,
        ROWS,
        ["C1 olena@example.com Olga Lviv .", ". bohdan@example.com Bohdan . .", ". taras@example.com Taras . ."],
        "created 1, updated 1, rows 2",
    ),
    Case(
        "only create",
        replace(BY_EMAIL, mode=Mode.CREATE),
        ROWS,
        ["C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . .", ". taras@example.com Taras . ."],
        "created 1, skipped 1, rows 2",
        codes=["already_exists"],
    ),
    Case(
        "only update",
        replace(BY_EMAIL, mode=Mode.UPDATE),
        ROWS,
        ["C1 olena@example.com Olga Lviv .", ". bohdan@example.com Bohdan . ."],
        "updated 1, skipped 1, rows 2",
        codes=["not_found"],
    ),
    Case(
        "delete",
        replace(BY_EMAIL, mode=Mode.DELETE),
        ROWS,
        ["-C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "skipped 1, rows 2, deleted 1",
        codes=["not_found"],
    ),
    Case(
        "delete: a later row sees the earlier one's effect",
        replace(BY_EMAIL, mode=Mode.DELETE),
        ["email", "olena@example.com", "olena@example.com"],
        ["-C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "skipped 1, rows 2, deleted 1",
        codes=["not_found"],
    ),
    Case(
        "delete: the external ID is found first, whatever the key",
        replace(BY_EMAIL, mode=Mode.DELETE),
        ["external_id,email", "C1,bohdan@example.com"],
        ["-C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "rows 1, deleted 1",
    ),
    Case(
        "delete: a deleted contact is nobody",
        Options(mode=Mode.DELETE, restore_deleted=True),
        ["external_id", "C1"],
        ["-C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "skipped 1, rows 1",
        deleted=["C1"],
        codes=["not_found"],
    ),
    Case(
        "delete: a row without its key fails",
        replace(BY_EMAIL, mode=Mode.DELETE),
        ["email,first_name", ",Olena"],
        ["C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "failed 1, rows 1",
        codes=["key_missing"],
    ),
    Case(
        "empty cells are ignored",
        BY_EMAIL,
        ["email,first_name", "olena@example.com,"],
        ["C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "unchanged 1, rows 1",
    ),
    Case(
        "empty cells clear",
        replace(BY_EMAIL, empty_values_clear=True),
        ["email,first_name", "olena@example.com,"],
        ["C1 olena@example.com . . .", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
    Case(
        "fill blanks only",
        Options(fill_blanks_only=True),
        ["external_id,email,first_name,town,fields.size", "C1,other@example.com,Olga,Lviv,M"],
        ["C1 olena@example.com Olena Lviv M", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
    Case(
        "columns that are not overwritten",
        Options(keep_columns=("email", "first_name", "fields.size", "phone")),
        ["external_id,email,first_name,town,size", "C1,other@example.com,Olga,Lviv,M"],
        ["C1 olena@example.com Olena Lviv M", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
    Case(
        "columns that are not overwritten are not cleared either",
        replace(BY_EMAIL, empty_values_clear=True, keep_columns=("first_name",)),
        ["email,first_name,phone", "olena@example.com,,"],
        ["C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
    Case(
        "an external ID that is not overwritten",
        replace(BY_EMAIL, replace_external_id=True, keep_columns=("external_id",)),
        ["external_id,email,town", "C9,olena@example.com,Lviv", "C8,bohdan@example.com,Kyiv"],
        ["C1 olena@example.com Olena Lviv .", "C8 bohdan@example.com Bohdan Kyiv ."],
        "updated 2, rows 2",
    ),
    Case(
        "the field of the key stays, kept or not (T9)",
        replace(BY_EMAIL, keep_columns=("town",)),
        ["external_id,email,town", "C1,other@example.com,Lviv"],
        ["C1 olena@example.com Olena Lviv .", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
    Case(
        "deleted contacts are skipped",
        Options(),
        ["external_id,town", "C1,Lviv"],
        ["-C1 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "skipped 1, rows 1",
        deleted=["C1"],
        codes=["contact_deleted"],
    ),
    Case(
        "deleted contacts are restored",
        Options(restore_deleted=True),
        ["external_id,town", "C1,Lviv"],
        ["C1 olena@example.com Olena Lviv .", ". bohdan@example.com Bohdan . ."],
        "restored 1, rows 1",
        deleted=["C1"],
    ),
    Case(
        "the external ID is replaced",
        replace(BY_EMAIL, replace_external_id=True),
        ["external_id,email", "C9,olena@example.com"],
        ["C9 olena@example.com Olena . .", ". bohdan@example.com Bohdan . ."],
        "updated 1, rows 1",
    ),
]


def show_people() -> list[str]:
    columns = ("external_id", "email", "first_name", "town")
    return [
        ("-" if contact.deleted_at else "")
        + " ".join([*(getattr(contact, column) or "." for column in columns), contact.attributes.get("size", ".")])
        for contact in Contact.objects.order_by("pk")
    ]


def show_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in (*COUNTED, "deleted") if counts.get(name))


def arrange(before: Sequence[Person] = (OLENA, BOHDAN), deleted: Sequence[str] = ()) -> None:
    CustomField.objects.create(key="size", label="Size")
    identity.resolve(before, API, by=BY)
    gone = Contact.objects.filter(external_id__in=deleted).values_list("pk", flat=True)
    identity.delete_contacts(list(gone), by=BY)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_option(case: Case, tmp_path: Path) -> None:
    arrange(case.before, case.deleted)
    report = run_import(write_csv(tmp_path, *case.file), case.options, by=BY)
    assert show_people() == case.after
    assert show_counts(report.counts) == case.counts
    assert list(ImportRow.objects.values_list("code", flat=True)) == list(case.codes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mode", [Mode.DELETE, Mode.UPSERT])
def test_rows_by_the_thousand_are_decided_as_a_few_are(mode: Mode, tmp_path: Path) -> None:
    people = [{"external_id": f"C{number}", "email": f"c{number}@example.com"} for number in range(1_500)]
    identity.resolve(people, API, by=BY)
    lines = [f"C{number},{number}" for number in range(1_000, 2_500)]
    options = Options(mode=mode, keep_columns=("town",))
    report = run_import(write_csv(tmp_path, "external_id,town", *lines), options, by=BY)
    if mode == Mode.DELETE:
        assert show_counts(report.counts) == "skipped 1000, rows 1500, deleted 500"
        deleted = Contact.objects.filter(deleted_at__isnull=False)
        assert deleted.count() == 500
        assert set(Change.objects.filter(kind="deleted").values_list("import_id", flat=True)) == {report.import_id}
    else:
        assert show_counts(report.counts) == "created 1000, updated 500, rows 1500"
        again = write_csv(tmp_path, "external_id,town", *(f"{line}x" for line in lines), name="again.csv")
        assert show_counts(run_import(again, options, by=BY).counts) == "unchanged 1500, rows 1500"


# Beside the contacts' own columns


@pytest.fixture
def segments(db: None) -> tuple[int, int]:
    made = [Segment.objects.create(name=name, type=SegmentType.STATIC).pk for name in ("Fair", "Cold")]
    return made[0], made[1]


@pytest.mark.django_db
def test_contacts_join_and_leave_segments_and_that_can_be_taken_back(tmp_path: Path, segments: tuple[int, int]) -> None:
    arrange()
    fair, cold = segments
    olena, bohdan = Contact.objects.order_by("pk").values_list("pk", flat=True)
    keeper = populations.current()
    keeper.add(cold, [olena, bohdan], by="user:2")
    keeper.add(fair, [bohdan], by="user:2")
    options = replace(BY_EMAIL, add_to_segments=(fair,), remove_from_segments=(cold,))
    path = write_csv(tmp_path, "email", "olena@example.com", "bohdan@example.com", "taras@example.com", "wrong")

    run = run_import(path, options, by=BY).import_id

    taras = Contact.objects.get(email="taras@example.com").pk
    members = Membership.objects.order_by("contact_id").values_list("segment_id", "contact_id", "by")
    assert list(members) == [(fair, olena, f"import:{run}"), (fair, bohdan, "user:2"), (fair, taras, f"import:{run}")]
    effects = ImportEffect.objects.filter(import_run=run).order_by("pk")
    assert [(effect.kind, effect.population, effect.contact_id) for effect in effects] == [
        ("joined", fair, olena),
        ("joined", fair, taras),
        ("left", cold, olena),
        ("left", cold, bohdan),
    ]

    assert keeper.take_back(fair, [olena, bohdan, taras], by=f"import:{run}") == [olena, taras]
    left = [effect.before for effect in effects if effect.kind == "left"]
    assert sorted(keeper.put_back(cold, left)) == [olena, bohdan]
    assert set(Membership.objects.values_list("segment_id", "contact_id", "by")) == {
        (cold, olena, "user:2"),
        (cold, bohdan, "user:2"),
        (fair, bohdan, "user:2"),
    }


@pytest.mark.django_db
def test_nobody_who_is_skipped_or_deleted_joins(tmp_path: Path, segments: tuple[int, int]) -> None:
    arrange()
    for mode in (Mode.CREATE, Mode.DELETE):
        options = replace(BY_EMAIL, mode=mode, add_to_segments=(segments[0],), event_for_new="signed_up")
        run_import(write_csv(tmp_path, "email", "olena@example.com"), options, by=BY)
    assert not Membership.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_an_event_is_recorded_on_new_contacts_alone(tmp_path: Path) -> None:
    arrange()
    options = replace(BY_EMAIL, event_for_new="signed_up")
    run = run_import(write_csv(tmp_path, "email", "olena@example.com", "taras@example.com"), options, by=BY).import_id
    [event] = Event.objects.all()
    assert event.contact_id == Contact.objects.get(email="taras@example.com").pk
    assert (event.key, event.source) == (f"import:{run}", "import")


@pytest.mark.django_db
def test_everybody_in_the_file_consents_but_who_has_withdrawn(tmp_path: Path) -> None:
    arrange()
    olena, bohdan = Contact.objects.order_by("pk").values_list("pk", flat=True)
    Consent.objects.create(contact_id=bohdan, category="newsletter", granted=False, at="2026-01-01T00:00Z", by="user:2")
    options = replace(BY_EMAIL, consent={"category": "newsletter", "basis": "signed up", "source": "fair in May"})
    path = write_csv(tmp_path, "email", "olena@example.com", "bohdan@example.com")
    run = run_import(path, options, by=BY).import_id
    assert list(Consent.objects.order_by("contact_id").values_list("contact_id", "granted", "basis", "by")) == [
        (olena, True, "signed up; fair in May", f"import:{run}"),
        (bohdan, False, "", "user:2"),
    ]
    [effect] = ImportEffect.objects.all()
    assert (effect.contact_id, effect.kind, effect.category, effect.before) == (olena, "consent", "newsletter", None)


def test_a_column_gives_and_withdraws_consent(run_jobs: Jobs) -> None:
    arrange()
    olena, bohdan = Contact.objects.order_by("pk").values_list("pk", flat=True)
    for contact_id, granted in ((olena, True), (bohdan, False)):
        Consent.objects.create(
            contact_id=contact_id, category="news", granted=granted, basis="old", at="2026-01-01T00:00Z", by="user:2"
        )
    run = upload(
        "email,May we?", "olena@example.com,no", "bohdan@example.com,Yes", "taras@example.com,", "x@example.com,perhaps"
    )
    flow.start(
        map_columns(run, replace(BY_EMAIL, consent={"category": "news", "basis": "form"}), **{"May_we?": "consent"})
    )
    run_jobs()
    granted = dict(Consent.objects.values_list("contact_id", "granted"))
    assert granted == {olena: False, bohdan: True}
    [row] = ImportRow.objects.all()
    assert (row.row, row.column, row.code) == (5, "May we?", "invalid_consent")
    before = {effect.contact_id: effect.before["granted"] for effect in ImportEffect.objects.all()}
    assert before == {olena: True, bohdan: False}


# The file of bad rows


def test_bad_rows_are_handed_out_repaired_and_uploaded_again(run_jobs: Jobs) -> None:
    lines = [
        "Nr,Mail,Tel,Note",
        "C1,olena@example.com,+380501234567,=1+1",
        "C2,nonsense,+380501234568,-5",
        'C3,taras@example.com,nonsense,"two\nlines"',
        "C4,too,short",
        "C5,bohdan@example.com,+380501234569,'@home",
    ]
    run = upload(*lines)
    note = {"target": "new", "new_field": {"label": "Note", "type": "text"}}
    run = flow.start(map_columns(run, Options(), Nr="external_id", Mail="email", Tel="phone", Note=note))
    run_jobs()
    run.refresh_from_db()
    assert show_counts(run.counts) == "created 2, failed 3, rows 5"

    text = "".join(repair_file(run, open_import(run).job))
    assert text.startswith("\ufeffNr,Mail,Tel,Note,Import row,Import errors\r\n")
    first = text.splitlines()[1]
    assert first.startswith("C2,nonsense,'+380501234568,'-5,3,Mail: ")
    assert '"two\nlines",4,"Tel: ' in text.replace("\r\n", "\n")
    assert "C4,too,short,,5," in text

    repaired = text.replace("nonsense", "+380501234570").replace("C2,+380501234570", "C2,ayse@example.com")
    repaired = repaired.replace("C4,too,short,", "C4,ann@example.com,,")
    second = flow.begin(store([repaired.encode()], "repaired.csv"), "repaired.csv", by=BY)
    assert [entry["target"] for entry in second.mapping] == ["external_id", "email", "phone", "fields.note", "", ""]
    flow.start(second)
    run_jobs()
    second.refresh_from_db()
    assert show_counts(second.counts) == "created 3, rows 3"
    notes = {contact.external_id: (contact.phone, contact.attributes.get("note")) for contact in Contact.objects.all()}
    assert notes == {
        "C1": ("+380501234567", "=1+1"),
        "C2": ("+380501234568", "-5"),
        "C3": ("+380501234570", "two\nlines"),
        "C4": (None, None),
        "C5": ("+380501234569", "@home"),
    }
    assert not Import.objects.filter(status="failed").exists()
