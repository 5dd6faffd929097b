"""The account's settings as resolution reads them: policy and schema, kept in memory while they are current.

Their version stands in one row that is read together with the locks, so that a change is in force in every process at
once and costs no statement.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from django.db import connection

from contacts.columns import all_columns
from contacts.identity.types import STANDARD, PolicyRules
from contacts.models import Account, CustomField, JunkValue, Policy
from contacts.normalize import Schema

__all__ = [
    "Settings",
    "current_settings",
    "forget_settings",
    "fresh_settings",
    "note_settings_changed",
    "read_settings",
]

VERSION_SQL = "(SELECT settings_version FROM contacts_account ORDER BY id LIMIT 1)"


class Settings(NamedTuple):
    """What resolution needs of the account."""

    version: int | None
    policy: PolicyRules
    schema: Schema


_current: Settings | None = None


def current_settings() -> Settings:
    """The settings in memory; ``resolve`` compares their version and reads them again when it moved."""
    return _current or read_settings()


def fresh_settings() -> Settings:
    """The settings in memory if they are the latest, for verbs whose locks do not tell."""
    settings = current_settings()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {VERSION_SQL}")
        [version] = cursor.fetchone()
    return settings if settings.version == version else read_settings()


def read_settings() -> Settings:
    """The settings as they stand in the database."""
    global _current
    account = Account.objects.order_by("pk").first()
    policy = read_policy()
    junk = list(JunkValue.objects.all())
    schema = Schema(
        all_columns(CustomField.objects.all()),
        external_id_max_length=policy.external_id_max_length,
        country=account.default_phone_country if account else "UA",
        junk_values=[entry.value for entry in junk if not entry.is_pattern],
        junk_patterns=[entry.value for entry in junk if entry.is_pattern],
    )
    _current = Settings(account.settings_version if account else None, policy, schema)
    return _current


def read_policy() -> PolicyRules:
    """The policy row, or the Standard preset before there is one."""
    row = Policy.objects.order_by("pk").first()
    if row is None:
        return STANDARD
    return PolicyRules(**{name: getattr(row, name) for name in PolicyRules.__dataclass_fields__})


def forget_settings() -> None:
    """Read the settings again at their next use."""
    global _current
    _current = None


def note_settings_changed(**_: Any) -> None:
    """A policy, junk value, custom field or account was saved or deleted: every process shall see it."""
    forget_settings()
    version = secrets.randbits(62)  # never one that a process may still hold
    if not Account.objects.update(settings_version=version):
        Account.objects.create(settings_version=version)
