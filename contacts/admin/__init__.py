"""The back office's pages of contacts: the list, the sheet, duplicates, merges, imports and the settings.

A door for people. It authenticates, reads forms, calls one verb of ``contacts.identity`` and shows what came of it; it
never writes a contact or an identifier itself, opens no transaction around a verb, and does not import the other doors.
"""

from contacts.admin import (
    actions,
    apps,
    confirmation_mail,
    contact,
    dashboard,
    duplicates,
    exported,
    forms,
    imports,
    job_words,
    merges,
    nothing,
    settings,
    sites,
    waiting,
    warehouse,
    webhooks,
)

__all__ = [
    "actions",
    "apps",
    "confirmation_mail",
    "contact",
    "dashboard",
    "duplicates",
    "exported",
    "forms",
    "imports",
    "job_words",
    "merges",
    "nothing",
    "settings",
    "sites",
    "waiting",
    "warehouse",
    "webhooks",
]
