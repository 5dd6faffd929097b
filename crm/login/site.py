"""The admin site: unfold's, with our own doors in the place of Django's."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

__all__ = ["CardfileSite"]


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

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """What is no number of a page is the first one."""
        if not request.GET.get("page", "1").isdecimal():
            first: Any = request.GET.copy()
            first["page"] = "1"
            request.GET = first
        return super().search(request, extra_context)
