"""The account: its name, where its phone numbers and times belong, its languages."""

from __future__ import annotations

import re
from typing import Any, Final
from zoneinfo import available_timezones

import phonenumbers
from django import forms
from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.settings.landing import LandingPage
from contacts.admin.settings.page import FormPage, SingleRowAdmin
from contacts.imports.links import read_hosts
from contacts.models import Account
from crm.outbound import AddressUnreadable

__all__ = ["AccountAdmin"]

LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
MOST_LANGUAGES: Final = 100


class AccountForm(forms.ModelForm):
    default_phone_country = forms.ChoiceField(
        label=gettext_lazy("Default phone country"),
        choices=lambda: [(code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS)],
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("National phone numbers are read as numbers of this country."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=lambda: [(zone, zone) for zone in sorted(available_timezones())],
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("Times are shown in it, and days begin and end in it, in segments too."),
    )
    languages = forms.CharField(
        label=gettext_lazy("Languages"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"spellcheck": "false", "placeholder": "uk, en, pl"}),
        help_text=gettext_lazy("Those that contacts are written to in, as codes with commas; sheets offer them."),
    )

    class Meta:
        model = Account
        fields = ("name", "default_phone_country", "time_zone", "languages", "upload_hosts")
        widgets = {"upload_hosts": UnfoldAdminTextareaWidget(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["languages"] = ", ".join(self.instance.languages)

    def clean_languages(self) -> list[str]:
        given = [code.strip() for code in self.cleaned_data["languages"].split(",") if code.strip()]
        for code in given:
            if not LANGUAGE.fullmatch(code):
                message = _("“{code}” is no code of a language. Write codes such as uk or pt-BR, with commas.")
                raise forms.ValidationError(message.format(code=code[:50]))
        return list(dict.fromkeys(given))[:MOST_LANGUAGES]

    def clean_upload_hosts(self) -> str:
        text = str(self.cleaned_data["upload_hosts"])
        try:
            read_hosts(text)
        except AddressUnreadable as error:
            message = _("“{line}” is no name of a host. Write it as files.example.com, one a line.")
            raise forms.ValidationError(message.format(line=error.path[:100])) from error
        return text


class AccountPage(FormPage):
    title = gettext_lazy("Account")
    saved = gettext_lazy("The account was saved. Other processes see it within seconds.")
    sections = (
        (gettext_lazy("Account"), ("name",)),
        (gettext_lazy("Where it is"), ("default_phone_country", "time_zone", "languages")),
        (gettext_lazy("Files by link"), ("upload_hosts",)),
    )


@admin.register(Account)
class AccountAdmin(SingleRowAdmin):
    """The landing page of all settings is hung in here."""

    form = AccountForm
    page = AccountPage

    def get_urls(self) -> list[URLPattern]:
        landing = self.admin_site.admin_view(LandingPage.as_view(model_admin=self))
        return [path("settings/", landing, name="contacts_settings"), *super().get_urls()]
