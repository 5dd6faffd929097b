"""What the pages of the settings have in common: the frame, who may see and who may change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import BaseForm, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from contacts.admin.imports.words import say_number
from contacts.admin.wording import link_contact
from contacts.models import Contact
from crm.audit import actor_of, noted_change

__all__ = ["FormPage", "Section", "SettingsPage", "SingleRowAdmin", "link_contacts", "may_see_contacts", "say_at_least"]

Sections = Sequence[tuple[Any, Sequence[str]]]


class Section(NamedTuple):
    """A heading, and bound fields below it."""

    title: str
    fields: list[Any]


class SettingsPage(UnfoldModelAdminViewMixin, TemplateView):
    """For those who may see the model; who may change it is asked again where something is changed."""

    permission_required = ()
    title: Any = ""
    stands_alone = False
    """Whether it goes by its own title, not by the name of its model."""

    def has_permission(self) -> bool:
        return bool(self.model_admin.has_view_permission(self.request))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission():
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    @property
    def may_change(self) -> bool:
        return bool(self.model_admin.has_change_permission(self.request))

    @property
    def by(self) -> str:
        return actor_of(self.request)

    def require_change(self) -> None:
        if not self.may_change:
            raise PermissionDenied

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if self.stands_alone:
            context |= {"opts": None, "model_admin": None, "content_title": self.title}
        else:
            context["opts"] = self.model_admin.opts
        return context | {"may_change": self.may_change}


class FormPage(SettingsPage):
    """One row of settings and its form; where there is no row yet, what holds until there is one.

    GET shows, POST saves. ``sections`` are headings with the names of fields.
    """

    template_name = "contacts/settings/form.html"
    sections: Sections = ()
    saved: Any = ""
    form: ModelForm[Any] | None = None

    def get_row(self) -> Model:
        model = self.model_admin.model
        return model.objects.order_by("pk").first() or model()

    def get_fields(self) -> list[str]:
        return [name for _title, names in self.sections for name in names]

    def build_form(self, data: Any = None, *, instance: Model | None = None) -> ModelForm[Any]:
        form_class = self.model_admin.get_form(self.request, fields=self.get_fields())
        form: ModelForm[Any] = form_class(data, instance=instance or self.get_row())
        for field in form.fields.values():
            field.disabled = not self.may_change
        return form

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.require_change()
        self.form = self.build_form(request.POST)
        if not self.form.is_valid():
            return self.get(request, *args, **kwargs)
        return self.save(self.form)

    def save(self, form: ModelForm[Any]) -> HttpResponse:
        with noted_change(form.instance, request=self.request):
            form.save()
        messages.success(self.request, self.saved)
        return redirect(self.request.path)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = self.form or self.build_form()
        return super().get_context_data(**kwargs) | {"form": form, "sections": lay_out(form, self.sections)}


class SingleRowAdmin(ModelAdmin):
    """One row of settings: its list, and its own page, are its form. It is made when it is saved for the first time."""

    page: type[FormPage]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self.page.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.page.as_view(model_admin=self)(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def lay_out(form: BaseForm, sections: Sections) -> list[Section]:
    return [Section(str(title), [form[name] for name in names]) for title, names in sections]


SHOWN: Final = 10


def link_contacts(ids: Iterable[int]) -> SafeString:
    """Links to contacts by their names, one statement for all."""
    wanted = list(ids)[:SHOWN]
    names = {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=wanted)} if wanted else {}
    return format_html_join(", ", "{}", ((link_contact(pk, names.get(pk, "")),) for pk in wanted))


def say_at_least(count: int, *, is_exact: bool) -> str:
    """A number, and whether there may be more."""
    return say_number(count) if is_exact else _("at least %(count)s") % {"count": say_number(count)}


def may_see_contacts(request: HttpRequest) -> bool:
    """As the contact list has it."""
    return any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))


def address_of(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:contacts_{model}_{page}", args=args)
