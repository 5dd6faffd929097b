"""The words of the mail that asks for a confirmation, with a look at what they make before they are saved."""

from __future__ import annotations

from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.settings.page import FormPage, SingleRowAdmin
from contacts.models import ConfirmationText
from contacts.subscribing.mail import compose_mail
from crm.addresses import public_url

__all__ = ["ConfirmationTextAdmin"]

EXAMPLE: Final = "{site}/confirm/1-…"
PARTS: Final = ("subject", "text", "button", "closing")


class ConfirmationTextForm(forms.ModelForm):
    class Meta:
        model = ConfirmationText
        fields = PARTS
        widgets = {
            "subject": UnfoldAdminTextInputWidget(),
            "text": UnfoldAdminTextareaWidget(attrs={"rows": 5}),
            "button": UnfoldAdminTextInputWidget(),
            "closing": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }


class ConfirmationTextPage(FormPage):
    """“See the mail” shows what the words in the form would make, and saves nothing."""

    template_name = "contacts/confirmation_text.html"
    title = gettext_lazy("Confirmation mail")
    saved = gettext_lazy("The words were saved. The next mail is written with them.")
    sections = ((gettext_lazy("Words of your own"), PARTS),)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "_look" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.require_change()
        self.form = self.build_form(request.POST)
        self.form.is_valid()
        return self.get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        form = context["form"]
        words = cast("ConfirmationText", self.get_row() if form.errors else form.instance)
        site = public_url(self.request)
        sees = {
            "mail": compose_mail(EXAMPLE.format(site=site), words),
            "is_saved": not form.is_bound,
            "is_off": not settings.CONFIRMATION_MAIL,
            "sender": settings.DEFAULT_FROM_EMAIL,
            "placeholder": "{name}",
        }
        return context | sees | {"title": _("Confirmation mail")}


@admin.register(ConfirmationText)
class ConfirmationTextAdmin(SingleRowAdmin):
    form = ConfirmationTextForm
    page = ConfirmationTextPage
