"""Who may do what: five roles, each a rule over all models, so that a new model falls under one at once.

A model is ``work`` (what marketers work on), ``kept`` (what the work leaves behind: nobody edits it), ``settings``, or
``house`` (users, keys, the queue, the audit log). What is listed nowhere is ``settings``: to be seen, and changed by
administrators alone. The groups and their permissions are written after every migration (``write_roles``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

__all__ = [
    "ROLES",
    "RoleRule",
    "area_of",
    "forget_required",
    "is_granted",
    "is_last_administrator",
    "requires_two_factor",
    "role_of",
    "set_role",
    "write_roles",
]

WORK, KEPT, SETTINGS, HOUSE, HIDDEN = "work", "kept", "settings", "house", "hidden"

AREAS: Final[Mapping[str, str]] = {
    # app.model, or app.* for all that are not named
    "contacts.clearing": WORK,
    "contacts.contact": WORK,
    "contacts.contactaction": WORK,
    "contacts.contactexport": WORK,
    "contacts.duplicatecase": WORK,
    "contacts.import": WORK,
    "contacts.merge": WORK,
    "contacts.savedview": WORK,
    "contacts.subscriptionform": WORK,
    "contacts.change": KEPT,
    "contacts.event": KEPT,
    "contacts.order": KEPT,
    "contacts.exportrun": HOUSE,
    "contacts.exporttable": HOUSE,
    "contacts.exporttarget": HOUSE,
    "contacts.webhook": HOUSE,
    "contacts.webhookdeadletter": HOUSE,
    "contacts.webhookdelivery": HOUSE,
    "contacts.*": SETTINGS,
    "segments.segment": WORK,
    "segments.membership": WORK,
    "segments.snapshot": WORK,
    "segments.*": SETTINGS,
    "auth.permission": HIDDEN,
    "auth.*": HOUSE,
    "crm.session": HIDDEN,
    "crm.recoverycode": HIDDEN,
    "crm.storedanswer": HIDDEN,
    "crm.*": HOUSE,
    "procrastinate.*": HOUSE,
}
"""Any app that is not named here is hidden: tables of libraries, secrets of the second factor among them."""

EXPORT: Final = "export"


class RoleRule(NamedTuple):
    """Which verbs in which area; ``*`` is any verb, those of a model's own among them, but exporting."""

    key: str
    group: str
    label: Any
    says: Any
    grants: Mapping[str, frozenset[str]]
    named: frozenset[str] = frozenset()


VIEW: Final = frozenset({"view"})
ANY: Final = frozenset({"*"})
ANY_AND_EXPORT: Final = frozenset({"*", EXPORT})

ADMINISTRATOR, MARKETER, NO_EXPORT, AUDITOR, API_ONLY = (
    "administrator", "marketer", "marketer_without_export", "auditor", "api_only",
)  # fmt: skip

ROLES: Final[Mapping[str, RoleRule]] = {
    rule.key: rule
    for rule in (
        RoleRule(
            ADMINISTRATOR, "Administrator", _("Administrator"),
            _("Everything: settings, users, API keys and the audit log too."),
            {WORK: ANY_AND_EXPORT, KEPT: VIEW, SETTINGS: ANY_AND_EXPORT, HOUSE: ANY_AND_EXPORT},
        ),
        RoleRule(
            MARKETER, "Marketer", _("Marketer"),
            _("Works on contacts, segments, imports and exports. Sees the settings, and changes none."),
            {WORK: ANY_AND_EXPORT, KEPT: VIEW, SETTINGS: VIEW},
        ),
        RoleRule(
            NO_EXPORT, "Marketer without export", _("Marketer without export"),
            _("As a marketer, but no list of contacts leaves the house."),
            {WORK: ANY, KEPT: VIEW, SETTINGS: VIEW},
        ),
        RoleRule(
            AUDITOR, "Auditor", _("Auditor"),
            _("Sees everything, the audit log too, and changes nothing."),
            {WORK: VIEW, KEPT: VIEW, SETTINGS: VIEW, HOUSE: VIEW},
        ),
        RoleRule(
            API_ONLY, "API only", _("API only"),
            _("For developers: the API's description and the list of its keys. No contacts."),
            {}, frozenset({"crm.view_apikey"}),
        ),
    )
}  # fmt: skip


# The rules


def area_of(app: str, model: str) -> str:
    return AREAS.get(f"{app}.{model}") or AREAS.get(f"{app}.*") or HIDDEN


def is_granted(rule: RoleRule, app: str, model: str, codename: str) -> bool:
    """Whether the role has this permission."""
    if f"{app}.{codename}" in rule.named:
        return True
    verbs, verb = rule.grants.get(area_of(app, model), frozenset()), codename.partition("_")[0]
    return verb in verbs or ("*" in verbs and verb != EXPORT)


# Roles of people


def role_of(user: User, groups: Iterable[str] | None = None) -> str:
    """The key of the user's role, empty for none. ``groups`` are the names of the user's groups, where known."""
    if user.is_superuser:
        return ADMINISTRATOR
    names = set(user.groups.values_list("name", flat=True) if groups is None else groups)
    return next((key for key, rule in ROLES.items() if rule.group in names), "")


def set_role(user: User, role: str) -> None:
    """Give a saved user this role and no other. Administrators are Django's superusers."""
    is_administrator = role == ADMINISTRATOR
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=is_administrator)
        user.groups.set(Group.objects.filter(name=ROLES[role].group))
    user.is_staff, user.is_superuser = True, is_administrator


def administrators() -> QuerySet[User]:
    """Those who can sign in."""
    return User.objects.filter(is_active=True, is_superuser=True)


def is_last_administrator(user: User) -> bool:
    """Within a transaction: two administrators who demote each other at once must wait for one another."""
    ids = list(administrators().select_for_update().order_by("pk").values_list("pk", flat=True))
    return ids == [user.pk]


# Writing them down


def write_roles(**_signal: Any) -> None:
    """Groups as the rules have them, after each migration: what is missing is added, what is too much is taken away."""
    from crm.models import Role

    if Role._meta.db_table not in connection.introspection.table_names():  # on the way to an older version
        return
    wanted = [rule.group for rule in ROLES.values()]
    Group.objects.bulk_create([Group(name=name) for name in wanted], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    Role.objects.bulk_create(
        [Role(key=key, group=groups[rule.group]) for key, rule in ROLES.items()], ignore_conflicts=True
    )
    _write_permissions(groups)


def _write_permissions(groups: Mapping[str, Group]) -> None:
    through = Group.permissions.through
    rows = Permission.objects.values_list("pk", "content_type__app_label", "content_type__model", "codename")
    permissions = list(rows)
    wanted = {
        (groups[rule.group].pk, pk)
        for rule in ROLES.values()
        for pk, app, model, codename in permissions
        if is_granted(rule, app, model, codename)
    }
    ids = [group.pk for group in groups.values()]
    there = {(row.group_id, row.permission_id): row.pk for row in through.objects.filter(group_id__in=ids)}
    through.objects.filter(pk__in=[pk for pair, pk in there.items() if pair not in wanted]).delete()
    through.objects.bulk_create(
        [through(group_id=group, permission_id=permission) for group, permission in sorted(wanted - there.keys())],
        ignore_conflicts=True,
    )


# Two-factor login

REMEMBERED_SECONDS: Final = 3
_required: tuple[frozenset[str], float] = (frozenset(), 0.0)
"""The roles that ask for it, and until when on the monotonic clock that is believed."""


def requires_two_factor(user: User) -> bool:
    """Whether the user's role asks for it. Which roles do is remembered for a few seconds: every page asks."""
    required = _read_required()
    return bool(required) and role_of(user) in required


def _read_required() -> frozenset[str]:
    from crm.models import Role

    global _required
    required, until = _required
    if until < time.monotonic():
        required = frozenset(Role.objects.filter(two_factor_required=True).values_list("key", flat=True))
        _required = required, time.monotonic() + REMEMBERED_SECONDS
    return required


def forget_required() -> None:
    """A role was changed: look it up again."""
    global _required
    _required = frozenset(), 0.0
