"""Who is calling? HTTP Basic, whose user name is ignored and whose password is the API key."""

import base64
import binascii
from dataclasses import dataclass

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from crm.api.keys import find_api_key
from crm.models import ApiKey

__all__ = ["Caller", "KeyAuthentication"]


@dataclass(frozen=True)
class Caller:
    """What ``request.user`` is at a door for servers. ``request.auth`` is the key itself."""

    key: ApiKey
    is_authenticated = True

    @property
    def pk(self) -> int:
        return self.key.pk


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Caller, ApiKey] | None:
        header = get_authorization_header(request)
        if not header:
            return None
        key = find_api_key(read_secret(header), request=request._request)
        if key is None:
            raise AuthenticationFailed(_("The API key is wrong, expired or disabled."), code="wrong_key")
        return Caller(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="Cardfile API", charset="UTF-8"'


def read_secret(header: bytes) -> str:
    """From ``Basic base64(anything:KEY)`` or ``apiKey anything:KEY``; empty if it is neither."""
    scheme, _space, credentials = header.partition(b" ")
    credentials = credentials.strip()
    try:
        if scheme.lower() == b"basic":
            credentials = base64.b64decode(credentials, validate=True)
        elif scheme.lower() != b"apikey":
            return ""
        return credentials.decode().rpartition(":")[2].strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "basic", "description": "The user name is ignored, the password is the key."}
