"""Making and finding API keys; see ``crm.shown_once`` for what is kept of one."""

from datetime import datetime

from django.http import HttpRequest

from crm.audit import Action, about, note
from crm.models import ApiKey
from crm.shown_once import FoundKeys, make_key, note_use

__all__ = ["create_api_key", "find_api_key", "forget_found_keys"]

KIND = "cf"


def create_api_key(
    name: str, *, scope: str, expires_at: datetime | None = None, calls_a_second: int | None = None
) -> tuple[ApiKey, str]:
    """Returns the key and its secret, which nobody can read again."""
    shown = make_key(KIND)
    key = ApiKey.objects.create(
        name=name,
        scope=ApiKey.Scope(scope),
        expires_at=expires_at,
        calls_a_second=calls_a_second,
        prefix=shown.prefix,
        digest=shown.digest,
    )
    return key, shown.secret


def find_api_key(secret: str, *, request: HttpRequest | None = None) -> ApiKey | None:
    """The valid key that this is the secret of, its use noted; in the audit log the first one of each day (UTC)."""
    key = _found.find(secret)
    if key is None or not key.is_valid:
        return None
    before = key.last_used_at
    used_at = note_use(key)
    if used_at is not None and (before is None or before.date() < used_at.date()):
        note(Action.KEY_USED, by=f"key:{key.pk}", about=about(key), details={"name": str(key)}, request=request)
    return key


def forget_found_keys() -> None:
    """Keys were changed: look them up again."""
    _found.forget()


def _read(prefix: str) -> ApiKey | None:
    return ApiKey.objects.filter(prefix=prefix).first()


_found = FoundKeys(_read)
