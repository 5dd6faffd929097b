"""The admin site: unfold's, with our own doors in the place of Django's."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

__all__ = ["CardfileSite"]

LONGEST_TERM: Final = 200
MOST_FOUND: Final = 100


class CardfileSite(UnfoldAdminSite):
    def extra_urls(self) -> list[URLPattern]:
        from crm.login import account, views

        own = self.admin_view
        return [
            path("login/code/", views.sign_in_code, name="login_code"),
            path("welcome/<str:uidb64>/<str:token>/", views.WelcomeView.as_view(), name="welcome"),
            path("logout/", views.sign_out, name="logout"),
            path("account/", own(account.account), name="account"),
            path("account/two-factor/", own(account.two_factor), name="account_two_factor"),
            path("account/sessions/", own(account.sessions_page), name="account_sessions"),
            path("account/confirm/", own(account.confirm), name="account_confirm"),
        ]

    def get_urls(self) -> list[Any]:
        """Without the page that only says that the password was changed."""
        urls = super().get_urls()
        ours = {url.name or "" for url in self.extra_urls()}
        seen: set[str] = set()
        return [url for url in urls if not self._is_replaced(url, ours, seen)]

    def _is_replaced(self, url: Any, ours: set[str], seen: set[str]) -> bool:
        name = getattr(url, "name", None) or ""
        is_second = name in ours and name in seen
        seen.add(name)
        return is_second or name == "password_change_done"

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from crm.login import views

        return views.sign_in(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        from crm.login import account

        return account.password(request)

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> HttpResponse:
        """Django's list of the models of an app; the sidebar is the better one."""
        return redirect("admin:index")

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The command palette: unfold's would keep what was found for five minutes, erased people too."""
        term = request.GET.get("s", "").replace("\x00", "").strip().lower()[:LONGEST_TERM]
        if not term:
            return HttpResponse()
        is_palette = "extended" in request.GET
        results = self._search_apps(AdminSite.get_app_list(self, request), term)
        command = self._get_config("COMMAND", request)
        if is_palette and command.get("search_callback"):
            results.extend(self._get_value(command["search_callback"], request, term))
        pages = Paginator(results, MOST_FOUND)
        context = {
            "page_obj": pages,
            "results": pages.page(1),
            "page_counter": 0,
            "execution_time": 0,
            "command_show_history": self._get_value(command.get("show_history"), request),
        }
        template = "unfold/helpers/command_results.html" if is_palette else "unfold/helpers/search_results.html"
        return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})
