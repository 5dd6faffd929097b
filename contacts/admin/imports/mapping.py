"""The map page's forms: how the file is read, what each column becomes, whom rows mean and what is done with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from contacts.admin.imports.choices import DELIMITERS, EMPTY_CELLS, MODES, NEW_TYPES, list_keys, list_targets
from contacts.admin.imports.lines import ColumnsForm, offer, samples_of
from contacts.admin.imports.widgets import CategoryInput, SharedOptions
from contacts.columns import all_columns
from contacts.identity import Mode
from contacts.imports.encodings import ENCODINGS
from contacts.imports.guess import guess_type
from contacts.imports.mapping import NEW
from contacts.imports.plan import Options
from contacts.models import CustomField, EventType, Import, ImportContent

__all__ = ["MappingForm", "ReadingForm"]

EVENT_TYPES_AT_MOST: Final = 500
SWITCHES: Final = ("fill_blanks_only", "restore_deleted", "replace_external_id", "confirm_emails")
DETAILS: Final = ("event_for_new", "consent_basis", "consent_category", "consent_source")


class ReadingForm(forms.Form):
    """How the file is read; a text is asked for its encoding and delimiter, a workbook for its sheet."""

    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"),
        choices=lambda: [(name, _(label)) for name, label in ENCODINGS.items()],
        widget=UnfoldAdminSelectWidget(),
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Cells are separated by"), choices=DELIMITERS, widget=UnfoldAdminSelectWidget()
    )
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), widget=UnfoldAdminSelectWidget())
    has_header = forms.ChoiceField(
        label=gettext_lazy("First row"),
        choices=[("yes", gettext_lazy("Names the columns")), ("no", gettext_lazy("Is a contact already"))],
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, run: Import, sheets: Sequence[str], data: QueryDict | None = None) -> None:
        initial = {
            "encoding": run.encoding,
            "delimiter": run.delimiter,
            "sheet": run.sheet,
            "has_header": "yes" if run.has_header else "no",
        }
        super().__init__(data, initial=initial, label_suffix="")
        if run.content == ImportContent.ORDERS:
            offer(self, "has_header", [("yes", _("Names the columns")), ("no", _("Is an order already"))])
        if sheets:
            del self.fields["encoding"], self.fields["delimiter"]
            offer(self, "sheet", [(name, name) for name in sheets])
        else:
            del self.fields["sheet"]

    def read(self) -> dict[str, Any]:
        """The choices as ``flow.reread`` takes them: what was not asked is None."""
        cleaned = self.cleaned_data
        chosen = {name: cleaned.get(name) for name in ("encoding", "delimiter", "sheet")}
        return {**chosen, "has_header": cleaned["has_header"] == "yes"}


class MappingForm(ColumnsForm):
    """Checks shape alone; what the choices mean together is said by ``flow.choose``."""

    may_keep = True

    key = forms.ChoiceField(label=gettext_lazy("Rows are matched by"), widget=UnfoldAdminSelectWidget())
    mode = forms.ChoiceField(label=gettext_lazy("What to do"), widget=forms.RadioSelect)
    empty_cells = forms.ChoiceField(
        label=gettext_lazy("An empty cell"), choices=EMPTY_CELLS, required=False, widget=UnfoldAdminSelectWidget()
    )
    add_to_segments = forms.MultipleChoiceField(
        label=gettext_lazy("Add the contacts to"), required=False, widget=UnfoldAdminSelect2MultipleWidget()
    )
    remove_from_segments = forms.MultipleChoiceField(
        label=gettext_lazy("Remove the contacts from"), required=False, widget=UnfoldAdminSelect2MultipleWidget()
    )
    fill_blanks_only = forms.BooleanField(
        label=gettext_lazy("Fill blanks only"),
        help_text=gettext_lazy("Nothing that a contact has already is changed."),
        required=False,
        widget=UnfoldBooleanWidget(),
    )
    restore_deleted = forms.BooleanField(
        label=gettext_lazy("Restore deleted contacts"),
        help_text=gettext_lazy("Otherwise a row that means a deleted contact is skipped."),
        required=False,
        widget=UnfoldBooleanWidget(),
    )
    replace_external_id = forms.BooleanField(
        label=gettext_lazy("Replace the external ID"),
        help_text=gettext_lazy("A contact found by the key gets the file's external ID where nobody else has it."),
        required=False,
        widget=UnfoldBooleanWidget(),
    )
    confirm_emails = forms.BooleanField(
        label=gettext_lazy("Send a confirmation"),
        help_text=gettext_lazy(
            "Emails that are new here count as unconfirmed, and each gets a mail with a link to confirm it, once the"
            " import is finished."
        ),
        required=False,
        widget=UnfoldBooleanWidget(),
    )
    event_for_new = forms.ChoiceField(
        label=gettext_lazy("Event for new contacts"),
        help_text=gettext_lazy("It is recorded on everybody whom the import makes."),
        required=False,
        widget=UnfoldAdminSelect2Widget(),
    )
    consent_basis = forms.CharField(
        label=gettext_lazy("Basis of consent"),
        help_text=gettext_lazy("Why these people may be written to, such as “signed up at the fair in May”."),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
    )
    consent_category = forms.CharField(
        label=gettext_lazy("Category of consent"),
        help_text=gettext_lazy("What they agreed to, such as “newsletter”."),
        required=False,
        max_length=50,
        widget=CategoryInput(attrs={"list": "consent-categories"}),
    )
    consent_source = forms.CharField(
        label=gettext_lazy("Where it was given"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget()
    )

    def __init__(
        self,
        run: Import,
        *,
        segments: Iterable[tuple[int, str]],
        may_delete: bool,
        may_make_fields: bool,
        data: QueryDict | None = None,
    ) -> None:
        self.may_make_fields = may_make_fields
        self.definitions = list(CustomField.objects.all())
        self.columns = all_columns(self.definitions)
        super().__init__(run, data=data, initial=self._read_initial(run))
        self.modes = [mode for mode in MODES if may_delete or mode[0] != Mode.DELETE]
        listed = [(str(pk), name) for pk, name in segments]
        offer(self, "key", list_keys(self.columns))
        offer(self, "mode", [(mode, label) for mode, label, _help in self.modes])
        offer(self, "add_to_segments", listed)
        offer(self, "remove_from_segments", listed)
        offer(self, "event_for_new", [("", _("None")), *_list_event_types()])
        self.add_columns(list_targets(self.definitions, may_make_fields=may_make_fields))

    def _read_initial(self, run: Import) -> dict[str, Any]:
        options = Options.from_json(run.options)
        initial: dict[str, Any] = {name: getattr(options, name) for name in self.base_fields if hasattr(options, name)}
        initial |= {f"consent_{name}": value for name, value in (options.consent or {}).items()}
        initial["empty_cells"] = "clear" if options.empty_values_clear else ""
        for place, header in enumerate(run.headers):
            initial[f"label-{place}"] = header[:100]
            initial[f"type-{place}"] = guess_type(samples_of(run, place))
        for place, column in enumerate(run.mapping):
            initial[f"target-{place}"] = column["target"]
            initial[f"keep-{place}"] = not column.get("overwrite", True)
        return initial

    def fields_of(self, place: int, header: str, targets: SharedOptions) -> Iterator[tuple[str, forms.Field]]:
        yield from super().fields_of(place, header, targets)
        keeps = {"aria-label": _("Do not overwrite what contacts have in “{header}”").format(header=header)}
        yield "keep", forms.BooleanField(required=False, widget=UnfoldBooleanWidget(attrs=keeps))
        if not self.may_make_fields:
            return
        text = UnfoldAdminTextInputWidget()
        yield "label", forms.CharField(max_length=100, required=False, label=_("Name of the field"), widget=text)
        yield (
            "type",
            forms.ChoiceField(choices=NEW_TYPES, required=False, label=_("Type"), widget=UnfoldAdminSelectWidget()),
        )

    # What is shown

    def list_modes(self) -> list[dict[str, Any]]:
        chosen = str(self["mode"].value() or Mode.UPSERT)
        return [
            {"value": mode, "label": label, "help": help_text, "is_chosen": mode == chosen}
            for mode, label, help_text in self.modes
        ]

    @property
    def switches(self) -> list[Any]:
        return [self[name] for name in SWITCHES]

    @property
    def details(self) -> list[Any]:
        return [self[name] for name in DETAILS]

    @property
    def shows_advanced(self) -> bool:
        """Whether something of what is folded away was chosen, or is wrong."""
        return any(field.value() or field.errors for field in (*self.switches, *self.details))

    @property
    def notes_external_id(self) -> bool:
        """Whether the external ID is looked for before the key."""
        targets = {self[f"target-{place}"].value() for place in range(len(self.run.headers))}
        return "external_id" in targets and self["key"].value() not in ("external_id", "id")

    # What was chosen

    def read_mapping(self) -> list[dict[str, Any]]:
        """The mapping as ``flow.choose`` takes it, new fields included."""
        return [self._read_entry(place, header) for place, header in enumerate(self.run.headers)]

    def _read_entry(self, place: int, header: str) -> dict[str, Any]:
        chosen = self.cleaned_data
        entry = {"header": header, "target": chosen[f"target-{place}"], "overwrite": not chosen[f"keep-{place}"]}
        if entry["target"] == NEW:
            entry["new_field"] = {"label": chosen[f"label-{place}"], "type": chosen[f"type-{place}"]}
        return entry

    def read_options(self) -> Options:
        cleaned = self.cleaned_data
        return Options(
            key=cleaned["key"],
            mode=Mode(cleaned["mode"]),
            empty_values_clear=cleaned["empty_cells"] == "clear",
            add_to_segments=tuple(map(int, cleaned["add_to_segments"])),
            remove_from_segments=tuple(map(int, cleaned["remove_from_segments"])),
            event_for_new=cleaned["event_for_new"],
            consent=self._read_consent(),
            **{name: cleaned[name] for name in SWITCHES},
        )

    def _read_consent(self) -> dict[str, str] | None:
        given = {name: self.cleaned_data[f"consent_{name}"].strip() for name in ("basis", "category", "source")}
        return given if any(given.values()) else None


def _list_event_types() -> list[tuple[str, str]]:
    return [(kind.key, str(kind)) for kind in EventType.objects.order_by("key")[:EVENT_TYPES_AT_MOST]]
