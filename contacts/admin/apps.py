"""Apps: registered here, each with its keys, how to connect it, and the devices that were seen last."""

from __future__ import annotations

import json
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts import mobile
from contacts.admin.copying import offer_snippet
from contacts.admin.devices import list_seen_devices, say_last_seen
from contacts.admin.journal import show_moment
from contacts.admin.settings.page import may_see_contacts
from contacts.models import App, AppKey
from crm.addresses import public_url
from crm.admin.noted import Noted
from crm.admin.own_page import OwnPage
from crm.audit import Action, about, actor_of, note

__all__ = ["AppAdmin"]

HEADER: Final = "X-Reteno-Access-Key"
DEVICE: Final = {
    "deviceId": "6e1f6c5a-2f3b-4a41-9f0e-6f8f8d3c7d10",
    "pushToken": "a-push-token",
    "pushSubscribed": True,
    "osType": "ANDROID",
    "osVersion": "14",
    "deviceModel": "Pixel 8",
    "appVersion": "1.0",
}
KEY_VERBS: Final[dict[str, Any]] = {
    "disable": (
        mobile.disable_app_key,
        Action.KEY_DISABLED,
        gettext_lazy("The key was disabled. Apps that have it are refused."),
    ),
    "enable": (mobile.enable_app_key, Action.KEY_ENABLED, gettext_lazy("The key is valid again.")),
}
"""What is done, what the audit log calls it, and what is said."""


class KeyForm(forms.ModelForm):
    class Meta:
        model = AppKey
        fields = ("name",)
        widgets = {"name": UnfoldAdminTextInputWidget(attrs={"placeholder": "Android 3.2"})}


@admin.register(App)
class AppAdmin(Noted, OwnPage, ModelAdmin):
    """The app ID stays as it was made: tokens name it. On its own page its first key is made."""

    list_display = ("name", "app_id", "keys_on", "last_used")
    list_display_links = ("name",)
    list_disable_select_all = True
    ordering = ("name", "pk")
    sortable_by = ()
    actions = None
    fields = ("name", "app_id")
    list_after_template = "contacts/apps_unregistered.html"
    change_form_outer_after_template = "contacts/app_state.html"

    class Media:
        css = {"all": ("contacts/contacts.css", "contacts/apps.css")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[App]:
        counted: QuerySet[App] = (
            super()
            .get_queryset(request)
            .annotate(on=Count("keys", filter=Q(keys__disabled_at=None)), used_at=Max("keys__last_used_at"))
        )
        return counted

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:app_id>/connect/", wrap(self.connect_view), name="contacts_app_connect"),
            path("<int:app_id>/connected/", wrap(self.connected_view), name="contacts_app_connected"),
            path("<int:app_id>/keys/", wrap(self.add_key_view), name="contacts_app_key"),
            path("<int:app_id>/keys/<int:key_id>/<slug:verb>/", wrap(self.key_view), name="contacts_app_key_do"),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> tuple[str, ...]:
        return ("app_id",) if obj else ()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """Its keys and the devices seen go along; tokens stay on their contacts."""
        found, counts, _permissions, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        mobile.forget_found_keys()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"unregistered": mobile.list_unregistered(), "may_add": self.has_add_permission(request)}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def read_state(self, request: HttpRequest, app: App) -> dict[str, Any]:
        return {
            "app": app,
            "keys": list(app.keys.all()),
            "key_form": KeyForm(auto_id="id_key_%s"),  # the app has a name too
            "may_change": self.has_change_permission(request, app),
            "devices": list_seen_devices(app) if may_see_contacts(request) else None,
        }

    # Keys

    def add_key_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        app = self.find_app(request, app_id, changes=True)
        form = KeyForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Give the key a name of at most 100 characters, such as the build that has it."))
            return redirect("admin:contacts_app_change", app.pk)
        key, secret = mobile.create_app_key(app, form.cleaned_data["name"])
        self.note_key(request, Action.KEY_MADE, key)
        text = _("Copy the key now, it is not shown again: {key}")
        messages.warning(request, format_html(text, key=format_html('<code class="cf-app-secret">{}</code>', secret)))
        return redirect("admin:contacts_app_change", app.pk)

    def key_view(self, request: HttpRequest, app_id: int, key_id: int, verb: str) -> HttpResponse:
        app = self.find_app(request, app_id, changes=True)
        if verb not in KEY_VERBS:
            raise PermissionDenied
        key = get_object_or_404(AppKey, pk=key_id, app=app)
        act, action, said = KEY_VERBS[verb]
        if act(key):
            self.note_key(request, action, key)
        messages.success(request, said)
        return redirect("admin:contacts_app_change", app.pk)

    def note_key(self, request: HttpRequest, action: Action, key: AppKey) -> None:
        details = {"name": str(key), "app": key.app.app_id}
        note(action, by=actor_of(request), about=about(key), details=details, request=request)

    def find_app(self, request: HttpRequest, app_id: int, *, changes: bool = False) -> App:
        """Raises where the user may not see it, or, by POST alone, change it."""
        if changes and (request.method != "POST" or not self.has_change_permission(request)):
            raise PermissionDenied
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(App, pk=app_id)

    # How to connect

    def connect_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        app = self.find_app(request, app_id)
        site = public_url(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": app,
            "app": app,
            "title": _("Connect the app"),
            "address": f"{site}/api",
            "header": HEADER,
            **offer_snippet(write_snippet(site)),
            "connected_url": reverse("admin:contacts_app_connected", args=[app.pk]),
            "has_key": app.keys.filter(disabled_at=None).exists(),
            **say_last_seen(app),
        }
        return TemplateResponse(request, "contacts/app_connect.html", context)

    def connected_view(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """The live check, asked for again and again while the page is open."""
        app = self.find_app(request, app_id)
        return TemplateResponse(request, "contacts/app_connected.html", {"app": app, **say_last_seen(app)})

    # The list

    @display(description=gettext_lazy("valid keys"))
    def keys_on(self, app: Any) -> str:
        return str(app.on) if app.on else "—"

    @display(description=gettext_lazy("last used"))
    def last_used(self, app: Any) -> str:
        return show_moment(app.used_at)


def write_snippet(site: str) -> str:
    """A call as a shell makes it."""
    body = json.dumps(DEVICE, indent=2)
    headers = f"-H '{HEADER}: YOUR-KEY'", "-H 'Content-Type: application/json'"
    return " \\\n  ".join((f"curl {site}/api/v1/device", *headers, f"-d '{body}'"))
