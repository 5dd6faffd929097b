"""Who may look (GET) and who may act (POST), address by address, by rule.

A new page is placed here, else ``tests/test_pages.py`` fails: a model's standard pages by a line of ``MODELS``, any
other address by a line of ``PAGES``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tests.pages.addresses import Unplaced

__all__ = ["ANONYMOUS", "AUDITOR", "ROLES", "Expected", "find_expected"]

Roles = frozenset[str]

ANONYMOUS = "anonymous"
A, M, N, U, P = "administrator", "marketer", "marketer_without_export", "auditor", "api_only"
AUDITOR: Final = U
ROLES: Final = (ANONYMOUS, A, M, N, U, P)

NOBODY: Final[Roles] = frozenset()
ANYBODY: Final = frozenset(ROLES)
SIGNED_IN: Final = frozenset({A, M, N, U, P})
LOOK: Final = frozenset({A, M, N, U})
WORK: Final = frozenset({A, M, N})
EXPORT: Final = frozenset({A, M})
OWNER: Final = frozenset({A, M})
"""The marketer made the view of the sample world, and asked for its export."""
HOUSE: Final = frozenset({A, U})
ADMIN: Final = frozenset({A})


class Expected(NamedTuple):
    look: Roles
    act: Roles


class Model(NamedTuple):
    """Who sees its list and pages, who changes it, and which of add, change and delete there are."""

    look: Roles
    act: Roles
    verbs: frozenset[str]


def model(look: Roles, act: Roles, verbs: str) -> Model:
    return Model(look, act, frozenset(verbs.split()))


MODELS: Final[Mapping[str, Model]] = {
    "contacts_contact": model(LOOK, WORK, "add change delete"),
    "contacts_merge": model(LOOK, WORK, ""),
    "contacts_import": model(LOOK, WORK, "add"),
    "contacts_duplicatecase": model(LOOK, WORK, ""),
    "contacts_contactaction": model(LOOK, WORK, ""),
    "contacts_contactexport": model(EXPORT, NOBODY, ""),
    "contacts_account": model(LOOK, ADMIN, "change"),
    "contacts_policy": model(LOOK, ADMIN, "change"),
    "contacts_junkvalue": model(LOOK, ADMIN, "add change delete"),
    "contacts_customfield": model(LOOK, ADMIN, "add change"),
    "contacts_eventtype": model(LOOK, ADMIN, "add change"),
    "contacts_subscriptioncategory": model(LOOK, ADMIN, "add change"),
    "contacts_subscriptionform": model(LOOK, WORK, "add change"),
    "contacts_confirmationtext": model(LOOK, ADMIN, "change"),
    "contacts_site": model(LOOK, ADMIN, "add change delete"),
    "contacts_app": model(LOOK, ADMIN, "add change delete"),
    "contacts_exporttarget": model(HOUSE, ADMIN, "add change delete"),
    "contacts_webhook": model(HOUSE, ADMIN, "add change delete"),
    "contacts_webhookdeadletter": model(HOUSE, ADMIN, ""),
    "segments_segment": model(LOOK, WORK, "add change delete"),
    "crm_apikey": model(HOUSE | {P}, ADMIN, "add change"),
    "crm_auditentry": model(HOUSE, NOBODY, ""),
    "crm_loginattempts": model(HOUSE, ADMIN, ""),
    "crm_role": model(HOUSE, ADMIN, "change"),
    "auth_user": model(HOUSE, ADMIN, "add change"),
    "procrastinate_procrastinatejob": model(HOUSE, ADMIN, ""),
}

PAGES: Final[Mapping[str, Expected]] = {
    # Coming in and one's own account
    "": Expected(ANYBODY, ANYBODY),
    "admin:login": Expected(ANYBODY, ANYBODY),
    "admin:login_code": Expected(NOBODY, NOBODY),  # without a first step just now
    "admin:welcome": Expected(ANYBODY, ANYBODY),
    "admin:logout": Expected(NOBODY, NOBODY),
    "admin:account": Expected(SIGNED_IN, SIGNED_IN),
    "admin:account_two_factor": Expected(SIGNED_IN, SIGNED_IN),
    "admin:account_sessions": Expected(SIGNED_IN, SIGNED_IN),
    "admin:account_confirm": Expected(SIGNED_IN, SIGNED_IN),
    "admin:password_change": Expected(SIGNED_IN, SIGNED_IN),
    # The frame: what is in it is asked for by the rooms
    "admin:index": Expected(SIGNED_IN, SIGNED_IN),
    "admin:search": Expected(SIGNED_IN, SIGNED_IN),
    "admin:jsi18n": Expected(SIGNED_IN, SIGNED_IN),
    "admin:autocomplete": Expected(NOBODY, NOBODY),
    "admin:view_on_site": Expected(SIGNED_IN, SIGNED_IN),
    "admin:app_list": Expected(LOOK, LOOK),
    "admin/(?P<url>.*)$": Expected(SIGNED_IN, SIGNED_IN),
    # Users, keys, the queue
    "admin:auth_user_do": Expected(NOBODY, ADMIN),
    "admin:procrastinate_procrastinatejob_changelist": Expected(HOUSE, NOBODY),
    "admin:procrastinate_procrastinatejob_do": Expected(NOBODY, ADMIN),
    # Contacts
    "admin:contacts_contact_restore": Expected(NOBODY, WORK),
    "admin:contacts_contact_erase": Expected(WORK, WORK),
    "admin:contacts_contact_identifiers": Expected(LOOK, LOOK),
    "admin:contacts_contact_journal": Expected(LOOK, LOOK),
    "admin:contacts_contact_activity": Expected(LOOK, LOOK),
    "admin:contacts_contact_segments": Expected(LOOK, LOOK),
    "admin:contacts_contact_join": Expected(NOBODY, WORK),
    "admin:contacts_contact_leave": Expected(NOBODY, WORK),
    "admin:contacts_contact_export": Expected(EXPORT, EXPORT),
    "admin:contacts_contact_channel": Expected(NOBODY, WORK),
    "admin:contacts_contact_detach": Expected(WORK, WORK),
    "admin:contacts_contact_move": Expected(WORK, WORK),
    "admin:contacts_contact_take_back": Expected(WORK, WORK),
    "admin:contacts_contact_act": Expected(WORK, WORK),
    "admin:contacts_contactaction_progress": Expected(LOOK, LOOK),
    "admin:contacts_contactaction_rows": Expected(LOOK, LOOK),
    "admin:contacts_contactaction_do": Expected(NOBODY, WORK),
    # The list as one keeps it
    "admin:contacts_contact_columns": Expected(WORK, WORK),
    "admin:contacts_contact_views": Expected(LOOK, WORK),
    "admin:contacts_contact_view_add": Expected(WORK, WORK),
    "admin:contacts_contact_view": Expected(OWNER, OWNER),
    "admin:contacts_contact_view_keep": Expected(NOBODY, OWNER),
    "admin:contacts_contact_view_delete": Expected(NOBODY, OWNER),
    "admin:contacts_merge_undo": Expected(WORK, WORK),
    "admin:contacts_merge_compare": Expected(LOOK, WORK),
    "admin:contacts_duplicatecase_changelist": Expected(LOOK, NOBODY),
    "admin:contacts_duplicatecase_dismiss": Expected(NOBODY, WORK),
    "admin:contacts_duplicatecase_later": Expected(NOBODY, WORK),
    "admin:contacts_duplicatecase_merge": Expected(NOBODY, WORK),
    "admin:contacts_duplicatecase_clear": Expected(WORK, WORK),
    "admin:contacts_duplicatecase_clearing": Expected(LOOK, WORK),
    "admin:contacts_contactexport_file": Expected(EXPORT, EXPORT),
    "admin:contacts_contactexport_progress": Expected(EXPORT, NOBODY),
    "admin:contacts_contactexport_cancel": Expected(NOBODY, OWNER),
    "admin:contacts_dailyfigure_refresh": Expected(NOBODY, WORK),
    "admin:contacts_exporttarget_do": Expected(NOBODY, ADMIN),
    "admin:contacts_exporttarget_tables": Expected(HOUSE, ADMIN),
    "admin:contacts_exporttarget_progress": Expected(HOUSE, NOBODY),
    "admin:contacts_webhook_do": Expected(NOBODY, ADMIN),
    "admin:contacts_app_connect": Expected(LOOK, LOOK),
    "admin:contacts_app_connected": Expected(LOOK, LOOK),
    "admin:contacts_app_key": Expected(NOBODY, ADMIN),
    "admin:contacts_app_key_do": Expected(NOBODY, ADMIN),
    # Settings
    "admin:contacts_settings": Expected(LOOK | {P}, NOBODY),
    "admin:contacts_retention": Expected(LOOK, ADMIN),
    "admin:contacts_customfield_type": Expected(ADMIN, ADMIN),
    "admin:contacts_customfield_key": Expected(ADMIN, ADMIN),
    "admin:contacts_customfield_remove": Expected(ADMIN, ADMIN),
    "admin:contacts_customfield_work": Expected(LOOK, LOOK),
    # Websites
    "admin:contacts_site_install": Expected(LOOK, NOBODY),
    "admin:contacts_site_check": Expected(LOOK, NOBODY),
    # Imports
    "admin:contacts_import_map": Expected(WORK, WORK),
    "admin:contacts_import_reread": Expected(WORK, WORK),
    "admin:contacts_import_preview": Expected(LOOK, LOOK),
    "admin:contacts_import_fix": Expected(WORK, WORK),
    "admin:contacts_import_progress": Expected(LOOK, LOOK),
    "admin:contacts_import_do": Expected(WORK, WORK),
    "admin:contacts_import_undo": Expected(WORK, WORK),
    "admin:contacts_import_errors": Expected(EXPORT, EXPORT),
    "admin:contacts_import_file": Expected(EXPORT, EXPORT),
    "admin:contacts_import_begin_import": Expected(WORK, WORK),
    # Segments
    "admin:segments_segment_check": Expected(LOOK, LOOK),
    "admin:segments_segment_suggest": Expected(LOOK, LOOK),
    "admin:segments_segment_members": Expected(LOOK, WORK),
    "admin:segments_segment_export": Expected(EXPORT, EXPORT),
    "admin:segments_segment_find": Expected(LOOK, LOOK),
    "admin:segments_segment_explain": Expected(LOOK, LOOK),
    "admin:segments_segment_paste": Expected(WORK, WORK),
    "admin:segments_segment_snapshot": Expected(WORK, WORK),
    "admin:segments_segment_history": Expected(LOOK, WORK),
    "admin:segments_segment_of_import": Expected(LOOK, WORK),
    # Pages without a login: the address is the secret
    "confirm-email": Expected(ANYBODY, ANYBODY),
    "unsubscribe-email": Expected(ANYBODY, ANYBODY),
    "subscription-form": Expected(ANYBODY, ANYBODY),
    "subscription-thanks": Expected(ANYBODY, ANYBODY),
    # By API key; a session is nothing there, but to read the description
    "api-schema": Expected(SIGNED_IN, NOBODY),
    "api-docs": Expected(SIGNED_IN, NOBODY),
    "api-*": Expected(NOBODY, NOBODY),
    # From pages of websites: the site key is public, and the page's own address is asked for
    "web-script": Expected(ANYBODY, NOBODY),
    "api-web-*": Expected(NOBODY, ANYBODY),
}
KINDS: Final = ("changelist", "add", "change", "delete", "history")


def find_expected(name: str) -> Expected:
    """Raises ``Unplaced``."""
    for key in (name, *(f"{name[:place]}*" for place in range(len(name), 0, -1))):
        if key in PAGES:
            return PAGES[key]
    for expected in standard_page(name):
        return expected
    raise Unplaced(f"{name}: who may look, who may act? Place it in tests/pages/expected.py")


def standard_page(name: str) -> Iterator[Expected]:
    """``admin:app_model_kind``; the address without a kind only leads on to ``change``."""
    if name.startswith("admin/") and name.endswith("/<path:object_id>/"):
        yield Expected(SIGNED_IN, SIGNED_IN)
    of, _under, kind = name.removeprefix("admin:").rpartition("_")
    row = MODELS.get(of)
    if row is None or kind not in KINDS:
        return
    if kind in ("add", "delete"):
        who = row.act if kind in row.verbs else NOBODY
        yield Expected(who, who)
    elif kind == "history":
        yield Expected(row.look, NOBODY)
    else:
        yield Expected(row.look, row.act if kind == "changelist" or kind in row.verbs else NOBODY)
