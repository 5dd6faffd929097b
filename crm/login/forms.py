"""What people type to come in, and into their account. Shape is checked here; the verbs say whether it is right."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

__all__ = ["CodeForm", "ConfirmForm", "SignInForm"]

CODE = {"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false", "autocapitalize": "off"}


class LoginForm(forms.Form):
    """Errors stand in words above the fields, since they are about all of them."""

    def refuse(self, message: Any) -> None:
        self.add_error(None, message)


class SignInForm(LoginForm):
    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        strip=False,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(LoginForm):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={**CODE, "autofocus": True}),
    )


class ConfirmForm(LoginForm):
    """The code where there is a second factor, else the password."""

    def __init__(self, data: Any = None, *, asks_for_code: bool) -> None:
        super().__init__(data)
        name = "code" if asks_for_code else "password"
        source = CodeForm if asks_for_code else SignInForm
        self.fields[name] = source.base_fields[name]
        self.fields[name].widget.attrs["autofocus"] = True
