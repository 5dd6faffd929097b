"""What is written down of who came in and what was done with the account's keys, settings and files.

    from crm.audit import Action, note, noted_change

    note(Action.EXPORTED, by="user:1", about="contacts.contactexport:7", details={"contacts": 120}, request=request)

    with noted_change(field, request=request):  # old → new of what the form saved; never what is secret
        field.save()

Entries are only ever added; the database itself refuses to change or delete one, but for retention
(``forget_old_entries``). What happens to contacts is in their journal instead, see ``contacts.identity``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.http import HttpRequest
from django.utils import timezone

from crm.addresses import address_of
from crm.models import ApiKey, AuditEntry

__all__ = ["Action", "about", "actor_of", "differences", "forget_old_entries", "note", "noted_change", "read_values"]

Action = AuditEntry.Action

LONGEST: Final = 500
"""Characters of a text that is written down."""
SECRETS: Final = frozenset({"password", "secret", "salt", "digest", "token", "key_hash"})
"""Columns whose values are never written down, whatever the model."""
HIDDEN: Final = "•••"
FOLLOWING: Final = frozenset({"is_staff", "is_superuser", "date_joined", "last_login"})
"""Columns that follow from others; a role has an entry of its own."""
RETENTION_SETTING: Final = "cardfile.audit_retention"
FORGOTTEN_AT_ONCE: Final = 10_000


def note(
    action: Action | str,
    *,
    by: str,
    about: str = "",
    details: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> AuditEntry:
    """Write it down, in the caller's transaction.

    ``by`` is "user:1", "key:3", "command:unlock" …, empty where nobody is known. ``about`` is "app.model:pk" or empty.
    A detail is a value, or ``[old, new]`` under a name that ends with ``→``, as ``differences`` makes them. Give the
    request where there is one: it brings address and device.
    """
    return AuditEntry.objects.create(
        at=timezone.now(),
        action=Action(action),
        by=by,
        who=name_of(by, request),
        about=about[:200],
        details={name: _plain(value) for name, value in (details or {}).items()},
        address=address_of(request) if request else None,
        user_agent=request.headers.get("User-Agent", "")[:300] if request else "",
    )


def actor_of(request: HttpRequest) -> str:
    """``user:1``, or empty for somebody who has not signed in."""
    user = getattr(request, "user", None)
    return f"user:{user.pk}" if user is not None and user.is_authenticated else ""


def name_of(by: str, request: HttpRequest | None) -> str:
    """What a person is called at that moment: the account may be renamed or deleted later."""
    kind, _colon, number = by.partition(":")
    if kind == "key" and number.isdecimal():
        return str(ApiKey.objects.filter(pk=number).values_list("name", flat=True).first() or "")
    if kind != "user" or not number.isdecimal():
        return ""
    user = getattr(request, "user", None)
    if user is None or str(user.pk) != number:
        user = get_user_model().objects.filter(pk=number).first()
    return str(user.get_username())[:150] if user else ""


def about(row: models.Model) -> str:
    return f"{row._meta.label_lower}:{row.pk}"


@contextmanager
def noted_change(
    row: models.Model, *, request: HttpRequest, hidden: Iterable[str] = (), by: str = ""
) -> Iterator[None]:
    """Whatever is saved of this row within is written down as added, or as changed with old → new.

    ``hidden`` are columns of which only the fact is written down. Nothing that changed: no entry.
    """
    before = read_values(row, hidden=hidden)
    with transaction.atomic():
        yield
        changed = differences(before, read_values(row, hidden=hidden), hidden=hidden)
        if changed or not before:
            action = Action.CHANGED if before else Action.ADDED
            details = {"name": str(row), **(changed if before else _only_new(changed))}
            note(action, by=by or actor_of(request), about=about(row), details=details, request=request)


def read_values(row: models.Model, *, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """What stands in the database, by column; empty where the row is not there. Secrets among them: for comparing."""
    if row.pk is None:
        return {}
    columns = [
        field.attname
        for field in row._meta.concrete_fields
        if (field.editable or field.attname in hidden) and not field.primary_key and field.attname not in FOLLOWING
    ]
    return type(row)._base_manager.filter(pk=row.pk).values(*columns).first() or {}


def differences(before: Mapping[str, Any], after: Mapping[str, Any], *, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """``{"name →": [old, new]}`` of what is not the same; of a secret only that it changed."""
    secret = SECRETS.union(hidden)
    return {
        f"{name} →": [HIDDEN, HIDDEN] if name in secret else [_plain(before.get(name)), _plain(after.get(name))]
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    }


def _only_new(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row that was added what it has: there is no old value to tell."""
    return {
        name.removesuffix(" →"): new for name, (_old, new) in changed.items() if new not in (None, "", [], {}, HIDDEN)
    }


def _plain(value: Any) -> Any:
    """As JSON can keep it, and not longer than somebody would read."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, bytes | memoryview):
        return HIDDEN
    text = str(value) if isinstance(value, str | Decimal | UUID | timedelta) else f"{value}"
    text = text.replace("\x00", "")
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def forget_old_entries() -> int:
    """Entries older than AUDIT_DAYS are erased, and only they: how many."""
    long_ago, erased = timezone.now() - timedelta(days=settings.AUDIT_DAYS), 0
    while found := _forget_some(long_ago):
        erased += found
    return erased


def _forget_some(long_ago: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [RETENTION_SETTING])
        old = AuditEntry.objects.filter(at__lt=long_ago).order_by("pk").values("pk")[:FORGOTTEN_AT_ONCE]
        found: int = AuditEntry.objects.filter(pk__in=old)._raw_delete("default")
        cursor.execute("SELECT set_config(%s, 'off', true)", [RETENTION_SETTING])
        return found
