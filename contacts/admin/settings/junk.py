"""The junk list: values that identify nobody, and who has one of them now."""

from __future__ import annotations

from typing import Any, Final

import re2
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from contacts.admin.settings.page import link_contacts, may_see_contacts, say_at_least
from contacts.identity.junk import find_touched
from contacts.models import JunkValue
from crm.admin.noted import Noted

__all__ = ["JunkValueAdmin"]

EVERYDAY_VALUES: Final = ("A-1", "olena@example.com", "+380501234567", "шевченко")
"""A pattern that refuses all of these refuses everybody."""


class JunkValueForm(forms.ModelForm):
    """A pattern is tried before it is kept, so that no record ever meets a broken one."""

    class Meta:
        model = JunkValue
        fields = ("value", "is_pattern")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("is_pattern") and cleaned.get("value"):
            self.check_pattern(cleaned["value"])
        return cleaned

    def check_pattern(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            pattern = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
            self.add_error("value", _("This is no RE2 pattern: {reason}. Correct it.").format(reason=reason))
            return
        if all(pattern.search(value) for value in EVERYDAY_VALUES):
            self.add_error("value", _("This pattern matches everything, so nobody could be found any more. Narrow it."))


@admin.register(JunkValue)
class JunkValueAdmin(Noted, ModelAdmin):
    """A value that identifiers have now is saved only after it was said how many do."""

    form = JunkValueForm
    list_display = ("value", "is_pattern_shown")
    search_fields = ("value",)
    ordering = ("value",)
    list_disable_select_all = True

    @display(description=gettext_lazy("pattern"), boolean=True)
    def is_pattern_shown(self, junk: JunkValue) -> bool:
        return junk.is_pattern

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and "_touched" not in request.POST:
            asked = self.ask_first(request, object_id)
            if asked is not None:
                return asked
        return super().changeform_view(request, object_id, *args, **kwargs)

    def ask_first(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """Who would be touched, as a page; None where nobody would, or the form is refused anyway."""
        junk = None if object_id is None else self.get_object(request, object_id)
        allowed = self.has_add_permission(request) if object_id is None else self.has_change_permission(request, junk)
        form = self.get_form(request, junk)(request.POST, instance=junk)
        if not allowed or (object_id is not None and junk is None) or not form.is_valid():
            return None
        touched = find_touched(form.cleaned_data["value"], is_pattern=form.cleaned_data["is_pattern"])
        if not touched.count and touched.is_whole:
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What this would touch"),
            "value": form.cleaned_data["value"],
            "count": touched.count,
            "said": say_at_least(touched.count, is_exact=touched.is_whole),
            "contacts": link_contacts(touched.sample) if may_see_contacts(request) else "",
            "posted": [(name, text) for name in request.POST for text in request.POST.getlist(name)],
        }
        return TemplateResponse(request, "contacts/settings/junk_touched.html", context)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[JunkValue]) -> None:
        """One by one, so that every process hears of it."""
        for junk in queryset:
            self.delete_model(request, junk)
