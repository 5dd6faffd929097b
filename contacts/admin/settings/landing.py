"""All groups of settings on one page, with one line each of how they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from django.contrib.auth import get_user_model
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.journal import show_moment
from contacts.admin.settings.page import SettingsPage
from contacts.admin.settings.policy import name_policy
from contacts.admin.settings.retention import say_retention
from contacts.fields.works import OPEN
from contacts.identity.settings import read_policy
from contacts.models import Account, CustomField, EventType, FieldWork, JunkValue, Policy, SubscriptionCategory, Webhook
from crm.models import ApiKey, AuditEntry

__all__ = ["LandingPage"]


class Group(NamedTuple):
    """One group of settings: where it is, who may see it, what it is for, and how to say how it stands."""

    title: Any
    symbol: str
    address: str
    permission: str
    what: Any
    state: Callable[[], str]


class Shown(NamedTuple):
    title: str
    symbol: str
    link: str
    what: str
    state: str


class LandingPage(SettingsPage):
    """For everybody who may see one of the groups."""

    template_name = "contacts/settings/landing.html"
    stands_alone = True
    title = gettext_lazy("Settings")

    def has_permission(self) -> bool:
        return any(self.request.user.has_perm(group.permission) for group in GROUPS)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"groups": list(list_groups(self.request))}


def list_groups(request: HttpRequest) -> Iterator[Shown]:
    for group in GROUPS:
        if not request.user.has_perm(group.permission):
            continue
        try:
            link = reverse(group.address)
        except NoReverseMatch:
            continue
        yield Shown(str(group.title), group.symbol, link, str(group.what), group.state())


def say_account() -> str:
    account = Account.objects.order_by("pk").first() or Account()
    parts = [account.name, account.default_phone_country, account.time_zone, ", ".join(account.languages)]
    return " · ".join(part for part in parts if part)


def say_fields() -> str:
    counted = CustomField.objects.aggregate(all=Count("pk"), keys=Count("pk", filter=Q(can_be_key=True)))
    said = ngettext("%(count)d field", "%(count)d fields", counted["all"]) % {"count": counted["all"]}
    if counted["keys"]:
        said += ", " + ngettext("%(count)d is a key", "%(count)d are keys", counted["keys"]) % {
            "count": counted["keys"]
        }
    busy = FieldWork.objects.filter(status__in=OPEN).count()
    if busy:
        said += ", " + ngettext("%(count)d is being changed", "%(count)d are being changed", busy) % {"count": busy}
    return said


def say_policy() -> str:
    return name_policy(read_policy())


def say_junk() -> str:
    counted = JunkValue.objects.aggregate(
        values=Count("pk", filter=Q(is_pattern=False)), patterns=Count("pk", filter=Q(is_pattern=True))
    )
    values = ngettext("%(count)d value", "%(count)d values", counted["values"]) % {"count": counted["values"]}
    patterns = ngettext("%(count)d pattern", "%(count)d patterns", counted["patterns"]) % {"count": counted["patterns"]}
    return _("{values} and {patterns} of your own").format(values=values, patterns=patterns)


def say_categories() -> str:
    counted = SubscriptionCategory.objects.aggregate(
        offered=Count("pk", filter=Q(archived_at=None)), archived=Count("pk", filter=Q(archived_at__isnull=False))
    )
    said = ngettext("%(count)d category", "%(count)d categories", counted["offered"]) % {"count": counted["offered"]}
    return said + (", " + _("%(count)d archived") % {"count": counted["archived"]} if counted["archived"] else "")


def say_event_types() -> str:
    count = EventType.objects.count()
    return ngettext("%(count)d type", "%(count)d types", count) % {"count": count}


def say_kept() -> str:
    return say_retention(Policy.objects.order_by("pk").first() or Policy())


def say_keys() -> str:
    count = ApiKey.objects.filter(disabled_at=None).count()
    return ngettext("%(count)d key", "%(count)d keys", count) % {"count": count}


def say_webhooks() -> str:
    counted = Webhook.objects.aggregate(all=Count("pk"), failing=Count("pk", filter=Q(is_active=True, failures__gt=0)))
    said = ngettext("%(count)d address", "%(count)d addresses", counted["all"]) % {"count": counted["all"]}
    return said + (", " + _("%(count)d failing") % {"count": counted["failing"]} if counted["failing"] else "")


def say_users() -> str:
    count = get_user_model().objects.filter(is_active=True).count()
    return ngettext("%(count)d person", "%(count)d people", count) % {"count": count}


def say_audit() -> str:
    newest = AuditEntry.objects.order_by("-pk").values_list("at", flat=True).first()
    return _("last entry {when}").format(when=show_moment(newest)) if newest else _("no entry")


GROUPS: Final = (
    Group(
        gettext_lazy("Account"), "settings", "admin:contacts_account_changelist", "contacts.view_account",
        gettext_lazy("The name, the country of phone numbers, the time zone, the languages."), say_account,
    ),
    Group(
        gettext_lazy("Custom fields"), "tune", "admin:contacts_customfield_changelist", "contacts.view_customfield",
        gettext_lazy("What a contact has beside the usual: types, groups, options, keys."), say_fields,
    ),
    Group(
        gettext_lazy("Identity policy"), "rule", "admin:contacts_policy_changelist", "contacts.view_policy",
        gettext_lazy("Which records belong to one contact, and what tracking may do."), say_policy,
    ),
    Group(
        gettext_lazy("Junk values"), "block", "admin:contacts_junkvalue_changelist", "contacts.view_junkvalue",
        gettext_lazy("Placeholders that identify nobody."), say_junk,
    ),
    Group(
        gettext_lazy("Subscription categories"), "checklist", "admin:contacts_subscriptioncategory_changelist",
        "contacts.view_subscriptioncategory", gettext_lazy("What somebody can agree to."), say_categories,
    ),
    Group(
        gettext_lazy("Retention"), "auto_delete", "admin:contacts_retention", "contacts.view_policy",
        gettext_lazy("What is kept how long."), say_kept,
    ),
    Group(
        gettext_lazy("Event types"), "category", "admin:contacts_eventtype_changelist", "contacts.view_eventtype",
        gettext_lazy("What contacts do, and whether it makes contacts."), say_event_types,
    ),
    Group(
        gettext_lazy("API keys"), "key", "admin:crm_apikey_changelist", "crm.view_apikey",
        gettext_lazy("Which systems may read and write."), say_keys,
    ),
    Group(
        gettext_lazy("Webhooks"), "webhook", "admin:contacts_webhook_changelist", "contacts.view_webhook",
        gettext_lazy("Which systems are told of changes."), say_webhooks,
    ),
    Group(
        gettext_lazy("Users and roles"), "person", "admin:auth_user_changelist", "auth.view_user",
        gettext_lazy("Who may sign in, and do what."), say_users,
    ),
    Group(
        gettext_lazy("Audit log"), "policy", "admin:crm_auditentry_changelist", "crm.view_auditentry",
        gettext_lazy("Who signed in, exported, used a key, changed a setting."), say_audit,
    ),
)  # fmt: skip
"""https://fonts.google.com/icons names the symbols."""
