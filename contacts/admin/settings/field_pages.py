"""The pages about one custom field that has values: another type, a key or none, deletion; and how far a work is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts import fields
from contacts.admin.actors import name_actors
from contacts.admin.imports.words import say_number
from contacts.admin.settings.page import SettingsPage, may_see_contacts, say_at_least
from contacts.admin.wording import link_contact
from contacts.columns import CUSTOM_PREFIX
from contacts.exports.flow import start_export
from contacts.fields.references import Reference, column_with
from contacts.fields.works import OPEN
from contacts.models import Contact, CustomField, FieldType, FieldWork, WorkKind, WorkStatus
from crm.audit import Action, about, note
from crm.errors import CardfileError

__all__ = ["PLACES", "address_of_work"]

TROUBLES_SHOWN: Final = 25
CHOICE_TYPES: Final = (FieldType.CHOICE, FieldType.CHOICES)
EXPORTED: Final = ("id", "external_id", "email", "phone")
"""What a file of a field's values names contacts by."""
REFERENCES: Final[dict[str, Any]] = {
    "segment": (gettext_lazy("Segment"), "admin:segments_segment_change"),
    "webhook": (gettext_lazy("Webhook"), "admin:contacts_webhook_change"),
    "import": (gettext_lazy("Import under way"), "admin:contacts_import_change"),
    "export": (gettext_lazy("Export under way"), "admin:contacts_contactexport_changelist"),
    "birthday": (gettext_lazy("Birthday in the identity policy"), "admin:contacts_policy_changelist"),
}
TITLES: Final[dict[str, Any]] = {
    WorkKind.CONVERT: gettext_lazy("“{field}” gets another type"),
    WorkKind.OPTIONS: gettext_lazy("Values of “{field}” follow its options"),
    WorkKind.KEY: gettext_lazy("“{field}” becomes a key"),
    WorkKind.PLAIN: gettext_lazy("“{field}” is no key any more"),
    WorkKind.REMOVE: gettext_lazy("The values of “{field}” are removed"),
}
LINES: Final[dict[str, Any]] = {
    WorkStatus.WAITING: gettext_lazy("It begins in a moment."),
    WorkStatus.CHECKING: gettext_lazy("Every value is read as the new type: {looked_at} until now."),
    WorkStatus.WORKING: gettext_lazy("Values looked at: {looked_at}, changed: {changed}."),
    WorkStatus.RETURNING: gettext_lazy("Everything is put back as it was."),
    WorkStatus.DONE: gettext_lazy("Done. Values changed: {changed}."),
    WorkStatus.REFUSED: gettext_lazy("Nothing changed: {troubles} of {looked_at} cannot be read as the new type."),
    WorkStatus.FAILED: gettext_lazy("It did not come to an end."),
}


class FieldPage(SettingsPage):
    """About one field."""

    field: CustomField

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission():
            raise PermissionDenied
        number = kwargs["field_id"]
        found = CustomField.objects.filter(pk=number).first() if number < 2**63 else None
        if found is None:
            raise Http404(_("There is no such field."))
        self.field = found
        return super().dispatch(request, *args, **kwargs)

    def has_permission(self) -> bool:
        """Every page of these is there to change something."""
        return self.may_change

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        work = fields.find_open_work(self.field.key)
        return super().get_context_data(**kwargs) | {
            "field": self.field,
            "original": self.field,
            "work": work,
            "work_url": address_of_work(work) if work else "",
        }

    def start(self, verb: Any, details: Mapping[str, Any], *, action: Action = Action.CHANGED) -> HttpResponse:
        """Ask for a work; what is refused is said on this page."""
        named = {"name": str(self.field), **details}
        named_about = about(self.field)
        try:
            work = verb()
        except CardfileError as error:
            messages.error(self.request, error.message)
            return redirect(self.request.path)
        note(action, by=self.by, about=named_about, details=named, request=self.request)
        return redirect(address_of_work(work))


class TypeForm(forms.Form):
    type = forms.ChoiceField(label=gettext_lazy("New type"), widget=UnfoldAdminSelectWidget())
    options = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "One a line, for the types “one of” and “several of”. Leave it empty and look: the values that there are"
            " are proposed."
        ),
    )

    def __init__(self, field: CustomField, data: Any = None) -> None:
        super().__init__(data, initial={"options": "\n".join(field.options)})
        kinds = [choice for choice in FieldType.choices if choice[0] != field.type]
        cast("forms.ChoiceField", self.fields["type"]).choices = kinds

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        lines = (line.strip() for line in cleaned.get("options", "").splitlines())
        options = list(dict.fromkeys(line for line in lines if line))
        if cleaned.get("type") in CHOICE_TYPES and not options:
            self.add_error("options", _("Write at least one option."))
        if len({option.casefold() for option in options}) < len(options):
            self.add_error("options", _("An option is there twice. Write each one once."))
        cleaned["options"] = options if cleaned.get("type") in CHOICE_TYPES else []
        return cleaned


class TypePage(FieldPage):
    """GET asks for the type; POST looks what it would meet, or (``_go``) has it done."""

    template_name = "contacts/settings/field_type.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.title = _("Another type for “{field}”").format(field=self.field)
        return super().get_context_data(**kwargs) | {"form": kwargs.get("form") or TypeForm(self.field)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = TypeForm(self.field, self.with_options(request.POST))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        wanted = {"type": form.cleaned_data["type"], "options": form.cleaned_data["options"]}
        if "_go" in request.POST:
            told = {"type →": [self.field.type, wanted["type"]]}
            return self.start(lambda: fields.change_type(self.field, **wanted, by=self.by), told)
        survey = fields.survey_conversion(self.field.key, column_with(self.field, **wanted))
        return self.render_to_response(self.get_context_data(form=form, **self.show(survey, wanted["type"])))

    def with_options(self, given: QueryDict) -> QueryDict:
        """Where options are needed and none was written, the values that there are stand as a proposal."""
        if given.get("type") not in CHOICE_TYPES or given.get("options", "").strip() or "_go" in given:
            return given
        filled = given.copy()
        filled["options"] = "\n".join(fields.find_common_values(self.field.key))
        return filled

    def show(self, survey: fields.Survey, kind: str) -> dict[str, Any]:
        return {
            "survey": survey,
            "values": say_at_least(survey.values, is_exact=survey.is_whole),
            "fitting": say_number(survey.fitting),
            "unfit": say_at_least(survey.unfit, is_exact=survey.is_whole),
            "type_name": str(FieldType(kind).label),
            **show_troubles(self.request, [vars_of(trouble) for trouble in survey.troubles], survey.unfit),
        }


class KeyPage(FieldPage):
    """GET says what would identify whom; POST makes the field a key, or takes that back."""

    template_name = "contacts/settings/field_key.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.title = _("Matching by “{field}”").format(field=self.field)
        context = super().get_context_data(**kwargs)
        if self.field.can_be_key:
            return context
        survey = fields.survey_keys(self.field.key)
        return context | {
            "survey": survey,
            "values": say_at_least(survey.values, is_exact=survey.is_whole),
            "shared": say_at_least(survey.found["shared"], is_exact=survey.is_whole),
            "sharing": say_at_least(survey.found["sharing"], is_exact=survey.is_whole),
            "unfit": say_at_least(survey.unfit, is_exact=survey.is_whole),
            **show_troubles(self.request, [vars_of(trouble) for trouble in survey.troubles], survey.unfit),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wanted = not self.field.can_be_key
        verb = fields.make_key if wanted else fields.make_plain
        return self.start(lambda: verb(self.field, by=self.by), {"can_be_key →": [not wanted, wanted]})


class RemoveForm(forms.Form):
    key = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))


class RemovePage(FieldPage):
    """GET says what goes and who needs it; POST writes its values to a file first (``_export``), or deletes it."""

    template_name = "contacts/settings/field_remove.html"

    def has_permission(self) -> bool:
        return bool(self.model_admin.may_remove(self.request))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.title = _("Delete “{field}”").format(field=self.field)
        survey = fields.survey_options(self.field.key, ())
        return super().get_context_data(**kwargs) | {
            "form": kwargs.get("form") or RemoveForm(),
            "values": say_at_least(survey.values, is_exact=survey.is_whole),
            "references": [show_reference(one) for one in fields.find_references(self.field.key)],
            "may_export": self.may_export,
        }

    @property
    def may_export(self) -> bool:
        return bool(self.request.user.has_perm("contacts.export_contact"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "_export" in request.POST:
            return self.export()
        form = RemoveForm(request.POST)
        if form.is_valid() and form.cleaned_data["key"] == self.field.key:
            return self.start(lambda: fields.remove_field(self.field, by=self.by), {}, action=Action.DELETED)
        form.add_error("key", _("Write the key, {key}, to delete the field.").format(key=self.field.key))
        return self.render_to_response(self.get_context_data(form=form))

    def export(self) -> HttpResponse:
        if not self.may_export:
            raise PermissionDenied
        columns = [*EXPORTED, CUSTOM_PREFIX + self.field.key]
        export = start_export(population=None, format="csv", columns=columns, by=self.by)
        note(Action.EXPORTED, by=self.by, about=about(export), details={"columns": columns}, request=self.request)
        messages.success(self.request, _("The values are written to a file. It waits under Exports for a day."))
        return redirect("admin:contacts_contactexport_changelist")


# How far a work is


class WorkPage(SettingsPage):
    """GET shows; asked for JSON, it tells how far it is."""

    template_name = "contacts/settings/field_work.html"
    work: FieldWork

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission():
            raise PermissionDenied
        number = kwargs["work_id"]
        found = FieldWork.objects.filter(pk=number).first() if number < 2**63 else None
        if found is None:
            raise Http404(_("There is no such change of a field."))
        self.work = found
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "how_far" in request.GET:
            answer = JsonResponse(describe_progress(self.work))
            answer["Cache-Control"] = "no-store"
            return answer
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        work = self.work
        self.title = say_title(work)
        field = CustomField.objects.filter(key=work.field_key).first()
        return super().get_context_data(**kwargs) | {
            "work": work,
            "field": field,
            "is_open": work.status in OPEN,
            "progress": describe_progress(work),
            "progress_url": f"{self.request.path}?how_far=1",
            "progress_title": self.title,
            "actor": name_actors([work.by])[work.by].label,
            **show_troubles(self.request, work.troubles, work.trouble_count),
        }


def describe_progress(work: FieldWork) -> dict[str, Any]:
    """``state`` is another one as soon as the page should be read anew; ``percent`` goes by the contacts' ids."""
    last = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    percent = min(100, 100 * work.mark // last) if last and work.mark and work.status in OPEN else None
    line = str(LINES[work.status]).format(
        looked_at=say_number(work.looked_at), changed=say_number(work.changed), troubles=say_number(work.trouble_count)
    )
    return {
        "state": work.status if work.status in OPEN else "ended",
        "percent": percent,
        "line": f"{line} {_(work.error)}".strip() if work.error else line,
        "title": say_title(work),
        "counts": {},
    }


def say_title(work: FieldWork) -> str:
    return str(TITLES[work.kind]).format(field=work.label)


def address_of_work(work: FieldWork) -> str:
    return reverse("admin:contacts_customfield_work", args=[work.pk])


# What is shown


def vars_of(trouble: fields.Trouble) -> dict[str, Any]:
    return {"contact": trouble.contact, "value": trouble.value, "message": trouble.message}


def show_troubles(request: HttpRequest, troubles: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """The first values that stand in the way, with links; to whoever may see contacts."""
    shown = troubles[:TROUBLES_SHOWN] if may_see_contacts(request) else []
    ids = [row["contact"] for row in shown]
    names = {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=ids)} if ids else {}
    more = count - len(shown)
    return {
        "troubles": [
            {
                "contact": link_contact(row["contact"], names.get(row["contact"], "")),
                "value": row["value"],
                "message": _(row["message"]),
            }
            for row in shown
        ],
        "more_troubles": ngettext("and %(count)s more", "and %(count)s more", more) % {"count": say_number(more)}
        if shown and more > 0
        else "",
    }


def show_reference(reference: Reference) -> dict[str, str]:
    label, place = REFERENCES[reference.kind]
    try:
        link = reverse(place) if place.endswith("list") else reverse(place, args=[reference.id])
    except NoReverseMatch:
        link = ""
    return {"label": str(label), "name": reference.name, "link": link}


PLACES: Final = (
    ("<int:field_id>/type/", TypePage, "type"),
    ("<int:field_id>/key/", KeyPage, "key"),
    ("<int:field_id>/remove/", RemovePage, "remove"),
    ("work/<int:work_id>/", WorkPage, "work"),
)
