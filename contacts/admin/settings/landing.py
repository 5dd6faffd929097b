"""All groups of settings on one page, with one line each of how they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple

from django.db import connection
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.journal import show_moment
from contacts.admin.settings.page import SettingsPage
from contacts.admin.settings.policy import name_policy
from contacts.admin.settings.retention import say_retention
from contacts.identity.types import PolicyRules
from contacts.models import Account, Policy
from crm.models import AuditEntry

__all__ = ["LandingPage"]


# name → how many, in one statement for all lines
COUNTS: Final = {
    "fields": "contacts_customfield",
    "field_keys": "contacts_customfield WHERE can_be_key",
    "works": "contacts_fieldwork WHERE status IN ('waiting', 'checking', 'working', 'returning')",
    "values": "contacts_junkvalue WHERE NOT is_pattern",
    "patterns": "contacts_junkvalue WHERE is_pattern",
    "offered": "contacts_subscriptioncategory WHERE archived_at IS NULL",
    "archived": "contacts_subscriptioncategory WHERE archived_at IS NOT NULL",
    "event_types": "contacts_eventtype",
    "own_words": "contacts_confirmationtext WHERE subject || text || button || closing <> ''",
    "keys": "crm_apikey WHERE disabled_at IS NULL",
    "webhooks": "contacts_webhook",
    "failing": "contacts_webhook WHERE is_active AND failures > 0",
    "users": "auth_user WHERE is_active",
}


class Known:
    """What the lines are about, read once."""

    @cached_property
    def counts(self) -> dict[str, int]:
        columns = ", ".join(f"(SELECT count(*) FROM {rows})" for rows in COUNTS.values())
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns}")
            return dict(zip(COUNTS, cursor.fetchone(), strict=True))

    @cached_property
    def policy(self) -> Policy:
        return Policy.objects.order_by("pk").first() or Policy()

    @cached_property
    def rules(self) -> PolicyRules:
        return PolicyRules(**{name: getattr(self.policy, name) for name in PolicyRules.__dataclass_fields__})


class Group(NamedTuple):
    """One group of settings: where it is, who may see it, what it is for, and how to say how it stands."""

    title: Any
    symbol: str
    address: str
    permission: str
    what: Any
    state: Callable[[Known], str]


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
    known = Known()
    for group in GROUPS:
        if not request.user.has_perm(group.permission):
            continue
        try:
            link = reverse(group.address)
        except NoReverseMatch:
            continue
        yield Shown(str(group.title), group.symbol, link, str(group.what), group.state(known))


def say_account(known: Known) -> str:
    account = Account.objects.order_by("pk").first() or Account()
    parts = [account.name, account.default_phone_country, account.time_zone, ", ".join(account.languages)]
    return " · ".join(part for part in parts if part)


def say_fields(known: Known) -> str:
    count, keys, works = (known.counts[name] for name in ("fields", "field_keys", "works"))
    said = ngettext("%(count)d field", "%(count)d fields", count) % {"count": count}
    if keys:
        said += ", " + ngettext("%(count)d is a key", "%(count)d are keys", keys) % {"count": keys}
    if works:
        said += ", " + ngettext("%(count)d is being changed", "%(count)d are being changed", works) % {"count": works}
    return said


def say_policy(known: Known) -> str:
    return name_policy(known.rules)


def say_junk(known: Known) -> str:
    counts = known.counts
    values = ngettext("%(count)d value", "%(count)d values", counts["values"]) % {"count": counts["values"]}
    patterns = ngettext("%(count)d pattern", "%(count)d patterns", counts["patterns"]) % {"count": counts["patterns"]}
    return _("{values} and {patterns} of your own").format(values=values, patterns=patterns)


def say_categories(known: Known) -> str:
    offered, archived = known.counts["offered"], known.counts["archived"]
    said = ngettext("%(count)d category", "%(count)d categories", offered) % {"count": offered}
    return said + (", " + _("%(count)d archived") % {"count": archived} if archived else "")


def say_confirmation(known: Known) -> str:
    return _("words of your own") if known.counts["own_words"] else _("Cardfile's words")


def say_event_types(known: Known) -> str:
    count = known.counts["event_types"]
    return ngettext("%(count)d type", "%(count)d types", count) % {"count": count}


def say_kept(known: Known) -> str:
    return say_retention(known.policy)


def say_keys(known: Known) -> str:
    count = known.counts["keys"]
    return ngettext("%(count)d key", "%(count)d keys", count) % {"count": count}


def say_webhooks(known: Known) -> str:
    count, failing = known.counts["webhooks"], known.counts["failing"]
    said = ngettext("%(count)d address", "%(count)d addresses", count) % {"count": count}
    return said + (", " + _("%(count)d failing") % {"count": failing} if failing else "")


def say_users(known: Known) -> str:
    count = known.counts["users"]
    return ngettext("%(count)d person", "%(count)d people", count) % {"count": count}


def say_audit(known: Known) -> str:
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
        gettext_lazy("Confirmation mail"), "forward_to_inbox", "admin:contacts_confirmationtext_changelist",
        "contacts.view_confirmationtext", gettext_lazy("The mail that asks people to confirm their address."),
        say_confirmation,
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
