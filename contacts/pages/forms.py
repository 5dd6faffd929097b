"""A subscription form at its address; a form copied into another page posts here too.

It works without scripts and sets no cookie, so that nothing but the form itself can be sent in somebody's name: whoever
writes an address of another is stopped by the mail that this one gets, and by a limit of one's own address. What it
answers is the same whoever is known here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from contacts.identity.errors import WriteConflict
from contacts.models import SubscriptionForm
from contacts.pages.confirm import show
from contacts.subscribing import Answers, read_asked, submit_form
from contacts.subscribing.errors import FormClosed, FormUnknown, TooManyForms
from contacts.subscribing.inputs import HONEYPOT, list_inputs
from crm.addresses import address_of, public_url
from crm.api import counters
from crm.errors import CardfileError, Refused

__all__ = ["subscription_form", "subscription_thanks"]

MINUTE: Final = 60


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def subscription_form(request: HttpRequest, form_key: str) -> HttpResponse:
    form = SubscriptionForm.objects.filter(key=form_key).first()
    if form is None or not form.is_active:
        return refuse(request, FormUnknown() if form is None else FormClosed())
    if request.method != "POST":
        return show_form(request, form)
    return take_form(request, form)


@never_cache
@require_http_methods(["GET", "HEAD"])
def subscription_thanks(request: HttpRequest, form_key: str) -> HttpResponse:
    """Where whoever sent the form arrives, so that loading the page again sends nothing again."""
    form = SubscriptionForm.objects.filter(key=form_key).first()
    if form is None:
        return refuse(request, FormUnknown())
    asks_email = any(one.column.key == "email" for one in read_asked(form))
    return show(request, "contacts/public/thanks.html", form=form, is_mailed=asks_email and settings.CONFIRMATION_MAIL)


def take_form(request: HttpRequest, form: SubscriptionForm) -> HttpResponse:
    """A program that fell into the trap is thanked as well, and tries nothing else."""
    if not request.POST.get(HONEYPOT):
        try:
            count_sent(request, form)
            submit_form(form, read_answers(request, form), site=public_url(request))
        except Refused as refused:
            return show_form(request, form, errors=refused.errors, status=422)
        except TooManyForms as error:
            return show_form(request, form, errors=[error], status=429)
        except WriteConflict as error:
            return show_form(request, form, errors=[error], status=503)
    return redirect(form.redirect_url or "subscription-thanks", *([] if form.redirect_url else [form.key]))


def count_sent(request: HttpRequest, form: SubscriptionForm) -> None:
    """Raises ``TooManyForms`` where this address sends this form too often."""
    now = time.time()
    digest = counters.digest_of(b"form", form.key.encode(), (address_of(request) or "").encode())
    if counters.count("forms", digest, seconds=MINUTE, now=now) > settings.FORMS_A_MINUTE:
        raise TooManyForms


def read_answers(request: HttpRequest, form: SubscriptionForm) -> Answers:
    posted = request.POST
    values: dict[str, Any] = {
        one.column.key: posted.getlist(one.column.key)
        if one.column.type == "choices"
        else posted.get(one.column.key, "")
        for one in read_asked(form)
    }
    agrees, visitor = bool(posted.get("consent")), posted.get("visitor", "").strip()
    return Answers(values, agrees=agrees, visitor=visitor, language=language_of(request), told=page_of(request))


def language_of(request: HttpRequest) -> str:
    """The first language that the reader's browser asks for, without the region."""
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()[:200])
    return next((tag.partition("-")[0] for tag, _quality in accepted if tag != "*"), "")


def page_of(request: HttpRequest) -> dict[str, str]:
    """Which site the form stands on, as the browser says; of its address no more than that is anybody's business."""
    parts = urlsplit(request.headers.get("Origin", "")[:300])
    return {"site": parts.netloc} if parts.scheme in ("http", "https") and parts.netloc else {}


# What is shown


def refuse(request: HttpRequest, error: CardfileError) -> HttpResponse:
    status = 410 if isinstance(error, FormClosed) else 404
    return show(request, "contacts/public/refused.html", error=error, status=status)


def show_form(
    request: HttpRequest, form: SubscriptionForm, *, errors: Iterable[CardfileError] = (), status: int = 200
) -> HttpResponse:
    """The form, with what was filled in and what is wrong with it."""
    told = {error.path: _(error.message) for error in errors}
    inputs = list(list_inputs(read_asked(form), dict(request.POST.lists()), told))
    placed = {"consent", *(one.name for one in inputs)}
    context: dict[str, Any] = {
        "form": form,
        "fields": inputs,
        "trouble": " ".join(text for path, text in told.items() if path not in placed),
        "consent_error": told.get("consent", ""),
        "agrees": bool(request.POST.get("consent")),
        "visitor": request.POST.get("visitor", "")[:100],
        "honeypot": HONEYPOT,
        "is_wrong": bool(told),
    }
    answer = show(request, "contacts/public/form.html", status=status, **context)
    if status == 429:
        answer.headers["Retry-After"] = str(MINUTE)
    return allow_redirect(answer, form.redirect_url)


def allow_redirect(answer: HttpResponse, address: str) -> HttpResponse:
    """Browsers count where a form leads on to as where it is sent to."""
    if address:
        parts = urlsplit(address)
        answer._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]
    return answer
