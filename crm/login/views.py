"""The pages before one is in: name and password, the second step, an invitation, and the way out."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminPasswordWidget

from crm.audit import Action, actor_of, note
from crm.errors import CardfileError
from crm.login.forms import CodeForm, SignInForm
from crm.login.signing_in import change_password, check_password_step, check_second_step, pending_user

__all__ = ["WelcomeView", "next_of", "sign_in", "sign_in_code", "sign_out"]

REFUSED: Final = 403


def next_of(request: HttpRequest) -> str:
    """The page that was asked for, if it is one of ours; else the first page."""
    asked = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    is_ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_ours else resolve_url("admin:index")


@never_cache
@sensitive_post_parameters("password")
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password."""
    if request.user.is_authenticated and request.method != "POST":
        return show_signed_in(request)
    form = SignInForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = check_password_step(request, form.cleaned_data["username"], form.cleaned_data["password"])
        except CardfileError as error:
            form.refuse(_(error.message))
        else:
            return redirect(next_of(request) if user else f"{reverse('admin:login_code')}?{keep_next(request)}")
    return show(request, "login/sign_in.html", form, title=_("Sign in"))


def show_signed_in(request: HttpRequest) -> HttpResponse:
    """Whoever is in already came by an old link, or lacks a permission: then another account may help."""
    if getattr(request.user, "is_staff", False):
        return redirect("admin:index")
    return show(request, "login/sign_in.html", SignInForm(), title=_("Sign in"))


@never_cache
@sensitive_post_parameters("code")
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step; without a first one just now, back to it."""
    user = pending_user(request)
    if user is None:
        return redirect(f"{reverse('admin:login')}?{keep_next(request)}")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            check_second_step(request, user, form.cleaned_data["code"])
        except CardfileError as error:
            form.refuse(_(error.message))
        else:
            return redirect(next_of(request))
    return show(request, "login/code.html", form, title=_("Second step"))


@never_cache
@csrf_protect
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        note(Action.SIGNED_OUT, by=actor_of(request), request=request)
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("admin:login")


def keep_next(request: HttpRequest) -> str:
    return urlencode({REDIRECT_FIELD_NAME: next_of(request)})


def show(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    """403 where signing in was refused, so that whoever watches the log sees it."""
    status = REFUSED if form.is_bound and form.non_field_errors() else 200
    context |= {"form": form, "next": next_of(request), "site_name": settings.SITE_NAME}
    return TemplateResponse(request, template, context, status=status, headers={"X-Robots-Tag": "noindex"})


@method_decorator(sensitive_post_parameters(), name="dispatch")
class WelcomeView(PasswordResetConfirmView):
    """Behind an invitation's link: one chooses a password. Django moves the token from the address to the session."""

    template_name = "login/welcome.html"
    success_url = reverse_lazy("admin:login")
    reset_url_token = "choose"  # noqa: S105  # what stands in the address in the token's place

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"site_name": settings.SITE_NAME, "invited": self.user}

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        change_password(self.request, form.user)
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return response
