"""Which app is calling? The header ``X-Reteno-Access-Key`` carries its key."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from contacts.mobile import find_app_key
from contacts.models import App, AppKey

__all__ = ["HEADER", "AppKeyAuthentication", "CallingApp"]

HEADER = "X-Reteno-Access-Key"


@dataclass(frozen=True)
class CallingApp:
    """What ``request.user`` is at a door for apps. ``request.auth`` is the key itself."""

    key: AppKey
    is_authenticated = True

    @property
    def pk(self) -> int:
        return self.key.pk

    @property
    def app(self) -> App:
        return self.key.app


class AppKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[CallingApp, AppKey]:
        key = find_app_key(request.headers.get(HEADER, "").strip())
        if key is None:
            message = _("The app key is wrong or disabled. Send a key of this app in the header {header}.")
            raise AuthenticationFailed(message.format(header=HEADER), code="wrong_key")
        return CallingApp(key), key

    def authenticate_header(self, request: Request) -> str:
        return f'{HEADER} realm="Cardfile apps"'


class AppKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = AppKeyAuthentication
    name = "appKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": HEADER, "description": "A key of the app."}
