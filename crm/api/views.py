"""The view every door for servers is built on. What it can be told, with the defaults:

class ContactView(ApiView):
    area = "contacts"                       # what a key's scope is asked for, see ``crm.api.permissions``
    error_shape = "resource"                # {status, title, detail, code}; else {status, code, message, errors}
    most_body_bytes = EVENT_BODY_BYTES      # else settings.MOST_BODY_BYTES
"""

from typing import Final

from rest_framework.views import APIView

__all__ = ["EVENT_BODY_BYTES", "ApiView"]

EVENT_BODY_BYTES: Final = 20 * 1024


class ApiView(APIView):
    area: str | None = ""
    error_shape = ""
    most_body_bytes: int | None = None
