"""The two addresses that the page asks at. Whoever may look at segments may ask; nothing is written."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from segments.builder.checking import check_count, check_people, read_draft, show_errors
from segments.builder.suggesting import suggest_values
from segments.conditions import load_json
from segments.conditions.errors import DefinitionError, DefinitionRefused, NotJson

__all__ = ["check_view", "suggest_view"]


def check_view(admin: Any, request: HttpRequest) -> HttpResponse:
    """POST ``{"definition", "type", "segment", "part": "count" | "people", "is_counted"}``."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        data = load_json(read_body(request))
        draft = read_draft(data)
    except DefinitionRefused as refused:
        return JsonResponse({"errors": show_errors(refused.errors)}, status=400)
    except DefinitionError as error:
        return JsonResponse({"errors": show_errors([error])}, status=400)
    if data.get("part") != "people":
        return JsonResponse(check_count(draft))
    is_counted = data.get("is_counted") is True
    return JsonResponse(check_people(draft, is_counted=is_counted, may_see_contacts=may_see_contacts(request)))


def read_body(request: HttpRequest) -> str:
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        raise DefinitionRefused([NotJson()]) from error


def suggest_view(admin: Any, request: HttpRequest) -> HttpResponse:
    """GET ``?field=town&scope=&kind=&q=Lv``; nothing for a field that suggests nothing."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    asked = {name: request.GET.get(name, "")[:200] for name in ("field", "scope", "kind", "q")}
    may_see = may_see_contacts(request)
    where = {name: asked[name] for name in ("scope", "kind")}
    found = suggest_values(asked["field"], asked["q"], **where, may_see_contacts=may_see)
    return JsonResponse({"suggestions": found})


def may_see_contacts(request: HttpRequest) -> bool:
    """As the contact list has it."""
    return any(request.user.has_perm(f"contacts.{verb}_contact") for verb in ("view", "change"))
