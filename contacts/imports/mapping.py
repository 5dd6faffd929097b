"""What the columns of a file mean: guessed, remembered from the last time, and settled as a person said it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contacts import populations
from contacts.columns import Column, all_columns
from contacts.imports.columns import (
    CONSENT,
    ERROR_HEADERS,
    SKIP,
    guess_key,
    guess_targets,
    lay_out_mapping,
    target_of,
)
from contacts.imports.errors import ConsentUnexplained, FieldRefused, OptionsConflict, SegmentUnknown
from contacts.imports.guess import guess_key as guess_field_key
from contacts.imports.plan import Options
from contacts.imports.sources import Source
from contacts.models import CustomField, Import, ImportContent, ImportStatus
from contacts.normalize import KIND_OF_SLUG
from crm.errors import CardfileError, Refused

__all__ = ["NEW", "guess_mapping", "guess_options", "lay_source", "map_by_names", "settle_mapping"]

NEW: Final = "new"
"""The target of a column that becomes a custom field which is made when the mapping is settled."""
REMEMBERED: Final = 100
"""Imports that are looked through for what a column of this name was."""
MAX_CATEGORY: Final = 50
MAX_BASIS: Final = 200
MAX_EVENT_TYPE: Final = 100
CONFIRMING: Final = "options.confirm_emails"

Entry = dict[str, Any]
"""One column: {"header", "target", "overwrite"}, with {"new_field": {"label", "type", "key", "can_be_key"}} where the
target is ``NEW`` (key and can_be_key may be missing)."""


# Guessing


def guess_mapping(headers: Sequence[str]) -> list[Entry]:
    """As it was the last time with these headers; else by the registry, else what a column of this name was."""
    columns = read_columns()
    last = _last_with(headers)
    if last is not None:
        entries = iter(last.mapping)
        guessed = [next(entries) if header not in ERROR_HEADERS else {} for header in headers]
    else:
        guessed = [{"target": target} for target in guess_targets(headers, columns)]
        remembered = _remembered(header for header, entry in zip(headers, guessed, strict=True) if not entry["target"])
        for header, entry in zip(headers, guessed, strict=True):
            entry["target"] = entry["target"] or remembered.get(header, SKIP)
    return _still_there(headers, guessed, {column.key for column in columns})


def guess_options(headers: Sequence[str], mapping: Iterable[Entry]) -> Options:
    """The key of the last time with these headers, else the one that the columns suggest."""
    last = _last_with(headers)
    if last is not None:
        return Options(key=Options.from_json(last.options).key)
    return Options(key=guess_key((entry["target"] for entry in mapping), read_columns()))


def read_columns() -> tuple[Column, ...]:
    return all_columns(CustomField.objects.all())


def _last_with(headers: Sequence[str]) -> Import | None:
    """The last import of a file with these columns that somebody looked at; columns of errors do not count."""
    plain = [header for header in headers if header not in ERROR_HEADERS]
    known = _of_contacts().filter(headers=plain).exclude(status=ImportStatus.UPLOADED).exclude(mapping=[])
    return known.order_by("-pk").first()


def _of_contacts() -> QuerySet[Import]:
    return Import.objects.filter(content=ImportContent.CONTACTS)


def _remembered(headers: Iterable[str]) -> dict[str, str]:
    wanted, found = set(headers), dict[str, str]()
    known = _of_contacts().exclude(status=ImportStatus.UPLOADED).order_by("-pk").values_list("mapping", flat=True)
    for mapping in known[:REMEMBERED] if wanted else ():
        for entry in mapping:
            if entry["header"] in wanted:
                found.setdefault(entry["header"], entry["target"])
    return found


def _still_there(headers: Sequence[str], guessed: Sequence[Entry], known: set[str]) -> list[Entry]:
    """Each target once, and none that is gone since."""
    known = known | set(KIND_OF_SLUG) | {CONSENT}
    taken: set[str] = set()
    entries = []
    for header, entry in zip(headers, guessed, strict=True):
        target = entry.get("target", SKIP)
        target = target if target in known and target not in taken else SKIP
        taken.add(target)
        entries.append({"header": header, "target": target, "overwrite": entry.get("overwrite", True)})
    return entries


# By names alone


def lay_source(run: Import, source: Source) -> None:
    """What was found out of the file of an import."""
    run.kind, run.encoding, run.delimiter = source.kind, source.encoding, source.delimiter
    run.has_header, run.sheet = source.has_header, source.sheet
    run.headers, run.samples = list(source.headers), [list(row) for row in source.samples]
    run.file_digest, run.rows_total = "", None


def map_by_names(headers: Sequence[str], *, key: str) -> list[Entry]:
    """What columns mean where there is nobody to ask: by their names, always the same; the others are left out.

    A custom field may be called by its key behind anything and a dot. The contact's ID counts where it is the key.
    """
    columns = read_columns()
    targets = guess_targets(headers, columns)
    for place, header in enumerate(headers):
        if targets[place] == "id" and key != "id":
            targets[place] = SKIP
        elif targets[place] == SKIP:
            target = _target_by_name(header, columns, key=key)
            targets[place] = SKIP if target in targets else target
    return [
        {"header": header, "target": target, "overwrite": True} for header, target in zip(headers, targets, strict=True)
    ]


def _target_by_name(header: str, columns: Sequence[Column], *, key: str) -> str:
    if key == "id" and target_of(header, columns) == "id":
        return "id"
    _before, dot, tail = header.rpartition(".")
    wanted = tail.strip().casefold()
    found = (column.key for column in columns if column.is_custom and column.custom_key.casefold() == wanted)
    return next(found, SKIP) if dot else SKIP


# Settling


def settle_mapping(headers: Sequence[str], mapping: Sequence[Entry], options: Options) -> tuple[list[Entry], Options]:
    """The mapping with its new fields made, and the options that go with it.

    Raises Refused with all that is wrong, each with its path: ``mapping.<place>`` or ``options.<name>``. Call it in
    a transaction, which takes the fields back then.
    """
    errors: list[CardfileError] = []
    entries = _make_fields(headers, mapping, errors)
    targets = [entry["target"] for entry in entries]
    if not any(error.code == FieldRefused.code for error in errors):
        try:
            lay_out_mapping(headers, targets, read_columns(), key=options.key)
        except Refused as refused:
            errors += refused.errors
    errors += _refused_options(options, has_consent=CONSENT in targets)
    if options.confirm_emails:
        errors += _refused_mails(targets)
    if errors:
        raise Refused(errors, errors[0].message)
    kept = [entry["target"] for entry in entries if entry["target"] and not entry["overwrite"]]
    return entries, replace(options, keep_columns=tuple(kept))


def _make_fields(headers: Sequence[str], mapping: Sequence[Entry], errors: list[CardfileError]) -> list[Entry]:
    entries = []
    for place, entry in enumerate(mapping):
        target = entry.get("target", SKIP)
        if target == NEW:
            try:
                target = _make_field(
                    headers[place] if place < len(headers) else "", entry.get("new_field") or {}, place
                )
            except FieldRefused as error:
                error.path = f"mapping.{place}"
                errors.append(error)
        header = headers[place] if place < len(headers) else entry.get("header", "")
        entries.append({"header": header, "target": target, "overwrite": bool(entry.get("overwrite", True))})
    return entries


def _make_field(header: str, wanted: Mapping[str, Any], place: int) -> str:
    known = list(CustomField.objects.all())
    label = str(wanted.get("label") or header).strip()
    if any(field.label.casefold() == label.casefold() for field in known):
        raise FieldRefused(_("There is a field of this name. Choose it, or write another name."))
    key = str(wanted.get("key") or guess_field_key(label, [field.key for field in known], place))
    field = CustomField(
        key=key,
        label=label,
        type=str(wanted.get("type") or "text"),
        can_be_key=bool(wanted.get("can_be_key", False)),
    )
    try:
        field.full_clean()
    except ValidationError as error:
        raise FieldRefused(" ".join(error.messages)) from error
    field.save()
    return f"fields.{key}"


def _refused_options(options: Options, *, has_consent: bool) -> Iterable[CardfileError]:
    if options.fill_blanks_only and options.empty_values_clear:
        message = _("To fill blanks only and to clear by empty cells exclude each other. Take one of them back.")
        yield OptionsConflict(message, path="options.fill_blanks_only")
    yield from _refused_segments(options)
    if len(options.event_for_new) > MAX_EVENT_TYPE:
        yield OptionsConflict(_("The key of an event type has at most 100 characters."), path="options.event_for_new")
    if has_consent or options.consent is not None:
        yield from _refused_consent(options.consent or {})


def _refused_mails(targets: Collection[str]) -> Iterable[CardfileError]:
    if "email" not in targets:
        yield OptionsConflict(_("No column becomes the email. Choose one, or send no mails."), path=CONFIRMING)
    if not settings.CONFIRMATION_MAIL:
        yield OptionsConflict(_("Mails are switched off. Switch CONFIRMATION_MAIL on first."), path=CONFIRMING)
    if not settings.PUBLIC_URL:
        message = _("The links in the mails need the address of this site. Set PUBLIC_URL first.")
        yield OptionsConflict(message, path=CONFIRMING)


def _refused_segments(options: Options) -> Iterable[CardfileError]:
    if not (options.add_to_segments or options.remove_from_segments):
        return
    known = {pk for pk, _name in populations.current().listed()}
    for name in ("add_to_segments", "remove_from_segments"):
        if not known.issuperset(getattr(options, name)):
            yield SegmentUnknown(path=f"options.{name}")
    if set(options.add_to_segments) & set(options.remove_from_segments):
        message = _("The same segment is to be joined and left. Take one of them back.")
        yield OptionsConflict(message, path="options.remove_from_segments")


def _refused_consent(consent: Mapping[str, str]) -> Iterable[CardfileError]:
    category, basis = consent.get("category", "").strip(), consent.get("basis", "").strip()
    if not category or len(category) > MAX_CATEGORY:
        yield ConsentUnexplained(
            _("Say in at most 50 characters what these people agreed to, such as “newsletter”."),
            path="options.consent_category",
        )
    if not basis or len(basis) + len(consent.get("source", "")) + 2 > MAX_BASIS:
        yield ConsentUnexplained(
            _("Say in at most 200 characters on what basis these people may be written to."),
            path="options.consent_basis",
        )
