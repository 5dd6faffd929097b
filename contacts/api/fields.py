"""Custom fields by their ids, as the wire names them: kept in memory while the account's settings stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from contacts.identity.settings import current_settings
from contacts.models import CustomField

__all__ = ["keys_by_id"]

_kept: tuple[int | None, dict[int, str]] = (None, {})


def keys_by_id(wanted: Collection[int] = ()) -> Mapping[int, str]:
    """The key of every custom field by id. Read again when the settings moved, or an id in ``wanted`` is not known."""
    global _kept
    version = current_settings().version
    known_version, keys = _kept
    if version is None or version != known_version or not keys.keys() >= set(wanted):
        keys = dict(CustomField.objects.order_by("pk").values_list("pk", "key"))
        _kept = (version, keys)
    return keys
