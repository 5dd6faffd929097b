"""Custom fields: their list, their form, and the pages behind it."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from contacts import fields
from contacts.admin.settings.field_pages import PLACES, address_of_work
from contacts.admin.settings.options import Option, OptionsField, plan_options
from contacts.admin.settings.page import say_at_least
from contacts.columns import SYSTEM_COLUMNS
from contacts.fields.conversion import KEY_TYPES
from contacts.fields.references import broken_groups, column_with
from contacts.keys import KEYS
from contacts.models import CustomField, FieldType
from contacts.tallies import Tally, tally_contacts
from crm.audit import actor_of, noted_change
from crm.errors import CardfileError

__all__ = ["RESERVED_KEYS", "CustomFieldAdmin"]

RESERVED_KEYS: Final = frozenset(KEYS) | {column.key for column in SYSTEM_COLUMNS}
"""Words that name a key or a column already, so that a custom field called so could not be meant."""
CHOICE_TYPES: Final = frozenset({FieldType.CHOICE, FieldType.CHOICES})
WITHOUT_VALUE: Final = "c.state = 1 AND NOT c.attributes ? %(key)s"


class NewFieldForm(forms.ModelForm):
    """Options are written one a line."""

    options = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=gettext_lazy("One a line, for the types “one of” and “several of”."),
    )

    class Meta:
        model = CustomField
        fields = ("label", "key", "type", "group", "options", "required", "can_be_key")

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if key in RESERVED_KEYS:
            raise forms.ValidationError(_("This word is a column of every contact already. Choose another key."))
        return key

    def clean_options(self) -> list[str]:
        lines = (line.strip() for line in self.cleaned_data["options"].splitlines())
        options = [line for line in lines if line]
        if len({option.casefold() for option in options}) < len(options):
            raise forms.ValidationError(_("An option is there twice. Write each one once."))
        return options

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("type", self.instance.type)
        if kind in CHOICE_TYPES and not cleaned.get("options") and "options" not in self.errors:
            self.add_error("options", _("Write at least one option."))
        if kind not in CHOICE_TYPES:
            cleaned["options"] = []
        if cleaned.get("can_be_key") and kind not in KEY_TYPES:
            self.add_error("can_be_key", _("Only a text, a number or one of several options can be a key."))
        return cleaned


class FieldForm(forms.ModelForm):
    """What can be changed at once; type, key and deletion have pages of their own. Options are rows."""

    options = OptionsField(
        label=gettext_lazy("Options"),
        required=False,
        help_text=gettext_lazy("Values follow an option that is renamed. An empty row is an option that goes."),
    )

    class Meta:
        model = CustomField
        fields = ("label", "group", "options", "required")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "options" in self.fields and self.instance.type not in CHOICE_TYPES:
            del self.fields["options"]

    def clean_options(self) -> list[str]:
        """The instance keeps its own: ``save_model`` hands the plan to the verb."""
        rows: list[Option] = self.cleaned_data["options"]
        self.plan = plan_options(rows, self.instance.options)
        if not self.plan.options:
            raise forms.ValidationError(_("Write at least one option."))
        if self.plan.renamed or self.plan.removed:
            self.check_possible()
        return list(self.instance.options)

    def check_possible(self) -> None:
        if fields.find_open_work(self.instance.key):
            raise forms.ValidationError(fields.FieldBusy.default_message())
        if self.instance.can_be_key and self.plan.renamed:
            raise forms.ValidationError(fields.FieldIsKey.default_message())
        column = column_with(self.instance, type=self.instance.type, options=self.plan.options)
        broken = broken_groups(self.instance, column, renamed=self.plan.renamed)
        if broken:
            names = ", ".join(f"“{group.name}”" for group in broken)
            text = _("Segments ask for an option that would go: {names}. Change them first.")
            raise forms.ValidationError(text.format(names=names))


@admin.register(CustomField)
class CustomFieldAdmin(ModelAdmin):
    """The key stays as it was made: values of contacts stand under it."""

    list_display = ("label", "key", "id_shown", "type", "group", "required", "can_be_key")
    list_filter = ("type",)
    search_fields = ("label", "key")
    list_disable_select_all = True
    actions = None
    prepopulated_fields = {"key": ("label",)}
    change_form_outer_after_template = "contacts/settings/field_verbs.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/settings.css")}
        js = ("contacts/settings.js",)

    @display(description=gettext_lazy("API ID"), ordering="pk")
    def id_shown(self, field: CustomField) -> str:
        """As the API names the field."""
        return str(field.pk)

    def get_form(
        self, request: HttpRequest, obj: CustomField | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = FieldForm if obj else NewFieldForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: CustomField | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("label", "key", "type", "group", "options", "required", "can_be_key")
        options = ("options",) if obj.type in CHOICE_TYPES else ()
        return ("label", "key", "id_shown", "type", "can_be_key", "group", *options, "required")

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> tuple[str, ...]:
        return ("key", "id_shown", "type", "can_be_key") if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: CustomField | None = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request: HttpRequest, obj: CustomField | None = None) -> bool:
        """Its values would stay behind: it has a page of its own for that."""
        return False

    def may_remove(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("contacts.delete_customfield"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages = [
            path(address, wrap(view.as_view(model_admin=self)), name=f"contacts_customfield_{name}")
            for address, view, name in PLACES
        ]
        return [*pages, *super().get_urls()]

    # The form

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        field = self.get_object(request, object_id)
        context = {**(extra_context or {}), **self.read_verbs(request, field)}
        if request.method == "POST" and field is not None and self.has_change_permission(request, field):
            try:
                return self.ask_first(request, field) or super().change_view(request, object_id, form_url, context)
            except CardfileError as error:
                messages.error(request, error.message)
                return redirect("admin:contacts_customfield_change", field.pk)
        return super().change_view(request, object_id, form_url, context)

    def read_verbs(self, request: HttpRequest, field: CustomField | None) -> dict[str, Any]:
        """What stands below the form."""
        if field is None:
            return {}
        work = fields.find_open_work(field.key)
        return {
            "field": field,
            "may_change": self.has_change_permission(request, field),
            "may_remove": self.may_remove(request),
            "can_become_key": field.type in KEY_TYPES,
            "work": work,
            "work_url": address_of_work(work) if work else "",
        }

    def ask_first(self, request: HttpRequest, field: CustomField) -> HttpResponse | None:
        """What the form would touch, as a page; None where nobody has to be asked."""
        form = self.get_form(request, field, change=True)(request.POST, instance=field)
        if "_asked" in request.POST or not form.is_valid():
            return None
        plan, was_required = getattr(form, "plan", None), CustomField.objects.get(pk=field.pk).required
        lacking = self.count_lacking(field) if form.cleaned_data["required"] and not was_required else None
        touched = [*plan.renamed, *plan.removed] if plan else []
        if not touched and (lacking is None or (lacking.is_whole and not lacking.count)):
            return None
        survey = fields.survey_options(field.key, touched) if touched else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What this would touch"),
            "original": field,
            "renamed": [(old, new, say(survey, old)) for old, new in plan.renamed.items()] if plan else [],
            "removed": [(old, say(survey, old)) for old in plan.removed] if plan else [],
            "lacking": say_at_least(lacking.count, is_exact=lacking.is_whole) if lacking else "",
            "posted": [(name, text) for name in request.POST for text in request.POST.getlist(name)],
        }
        return TemplateResponse(request, "contacts/settings/field_touched.html", context)

    def count_lacking(self, field: CustomField) -> Tally:
        return tally_contacts(WITHOUT_VALUE, {"key": field.key})

    def save_model(self, request: HttpRequest, obj: CustomField, form: Any, change: bool) -> None:
        with noted_change(obj, request=request):
            super().save_model(request, obj, form, change)
            plan = getattr(form, "plan", None)
            if plan is not None and plan.options != obj.options:
                emptied = [option for option in plan.removed if option in request.POST.getlist("_emptied")]
                by = actor_of(request)
                fields.change_options(obj, plan.options, renamed=plan.renamed, emptied=emptied, by=by)

    def response_change(self, request: HttpRequest, obj: CustomField) -> HttpResponse:
        work = fields.find_open_work(obj.key)
        return redirect(address_of_work(work)) if work else super().response_change(request, obj)


def say(survey: fields.Survey | None, option: str) -> str:
    """How many have it."""
    return say_at_least(survey.found[option], is_exact=survey.is_whole) if survey else ""
