"""Keys of apps: made, found, switched off and on again.

An app carries its key to everybody who installs it, so it lets in events and a person's own data, and nothing else.
Several may be valid at once: a new build gets a new one, and the old one is disabled when nobody uses it any more.
"""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from contacts.models import App, AppKey
from crm.shown_once import FoundKeys, make_key, note_use

__all__ = ["create_app_key", "disable_app_key", "enable_app_key", "find_app_key", "forget_found_keys"]

KIND: Final = "ca"


def create_app_key(app: App, name: str) -> tuple[AppKey, str]:
    """The key and its secret, which nobody can read again."""
    shown = make_key(KIND)
    key = AppKey.objects.create(app=app, name=name, prefix=shown.prefix, digest=shown.digest)
    return key, shown.secret


def disable_app_key(key: AppKey) -> bool:
    """Whether it was on."""
    changed = AppKey.objects.filter(pk=key.pk, disabled_at=None).update(disabled_at=timezone.now())
    forget_found_keys()
    return changed == 1


def enable_app_key(key: AppKey) -> bool:
    """Whether it was off."""
    changed = AppKey.objects.filter(pk=key.pk).exclude(disabled_at=None).update(disabled_at=None)
    forget_found_keys()
    return changed == 1


def find_app_key(secret: str) -> AppKey | None:
    """The key that this is the secret of, with its app, if it is on; its use is noted."""
    key = _found.find(secret)
    if key is None or key.disabled_at is not None:
        return None
    note_use(key)
    return key


def forget_found_keys() -> None:
    """Keys or apps were changed: look them up again."""
    _found.forget()


def _read(prefix: str) -> AppKey | None:
    return AppKey.objects.select_related("app").filter(prefix=prefix).first()


_found = FoundKeys(_read)
