"""From a target as it is kept to one that can be written: the only place that knows which kinds there are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from django.utils.translation import gettext as _

from contacts.exports.warehouse.errors import SettingsRefused
from contacts.exports.warehouse.types import Target
from contacts.models import ExportTarget, TargetKind
from crm.secrets import decrypt

__all__ = ["check_settings", "connect"]

MODULES: Final = {
    TargetKind.POSTGRESQL: "contacts.exports.warehouse.postgresql",
    TargetKind.BIGQUERY: "contacts.exports.warehouse.bigquery",
}
"""Each has ``open_target(settings, secret)`` and ``check_settings(settings, secret)``; read when one is needed, since
what speaks to BigQuery is large, and optional."""


def connect(target: ExportTarget) -> Target:
    """Raises ``TargetError`` where it cannot be reached, ``SecretUnreadable`` where its secret cannot be read."""
    secret = decrypt(bytes(target.secret)) if target.secret else ""
    opened: Target = _module(target.kind).open_target(target.settings, secret)
    return opened


def check_settings(kind: str, settings: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """The settings as they are kept, without the secret; raises ``SettingsRefused`` with the path of what is wrong."""
    checked: dict[str, Any] = _module(kind).check_settings(settings, secret)
    return checked


def _module(kind: str) -> Any:
    if kind not in MODULES:
        raise SettingsRefused(_("Choose PostgreSQL or BigQuery."), path="kind")
    return import_module(MODULES[TargetKind(kind)])
