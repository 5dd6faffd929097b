"""What may a key do? Its scope says which action it may take in which area; a view says which area it is.

class ContactView(APIView):
    area = "contacts"                       # or "events"; None lets every valid key in; left out: only full keys
    actions = {"POST": "read"}              # only where the method does not tell
"""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.api.errors import NotAuthenticatedByKey, ScopeTooNarrow
from crm.models import ApiKey

__all__ = ["ScopePermission", "may"]

ALL = frozenset({"read", "write", "delete"})
GRANTS: dict[str, dict[str, frozenset[str]]] = {
    ApiKey.Scope.CONTACTS_AND_EVENTS: {"contacts": ALL, "events": ALL},
    ApiKey.Scope.CONTACTS_AND_EVENTS_WRITE: {"contacts": frozenset({"write"}), "events": frozenset({"write"})},
    ApiKey.Scope.EVENTS: {"events": ALL},
}
ACTIONS = {"GET": "read", "HEAD": "read", "OPTIONS": "read", "DELETE": "delete"}


class ScopePermission(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            raise NotAuthenticatedByKey
        area = getattr(view, "area", "")
        method = request.method or ""
        action = getattr(view, "actions", {}).get(method) or ACTIONS.get(method, "write")
        if area is not None and not may(request.auth, action, area=area):
            raise ScopeTooNarrow(
                _("This API key may not do that. Its scope is: {scope}.").format(scope=request.auth.get_scope_display())
            )
        return True


def may(key: ApiKey, action: str, *, area: str) -> bool:
    """``action`` is read, write (add and update) or delete."""
    if key.scope == ApiKey.Scope.FULL:
        return True
    if key.scope == ApiKey.Scope.READ:
        return action == "read"
    return action in GRANTS[key.scope].get(area, frozenset())
