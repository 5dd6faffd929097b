"""What the lists of contacts say while they are empty."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from crm.admin.nothing import register

__all__: list[str] = []

register(
    {
        "contacts.contact": gettext_lazy("There is nobody yet. Import a file, or let another system send contacts."),
        "contacts.duplicatecase": gettext_lazy("No duplicates wait for you. New ones come here by themselves."),
        "contacts.app": gettext_lazy("No app is connected yet. Register the first one, and make a key for it."),
        "contacts.subscriptionform": gettext_lazy("No form yet. Lay one out, and copy it into a page of yours."),
        "contacts.merge": gettext_lazy("No contacts were merged yet."),
        "contacts.import": gettext_lazy("No file was imported yet. Nothing is written before you saw a preview."),
        "contacts.contactexport": gettext_lazy("No file waits for you. Export from the list of contacts or a segment."),
        "contacts.exporttarget": gettext_lazy("No warehouse is kept up to date yet. Add the first one."),
        "contacts.contactaction": gettext_lazy("Nothing was done to many at once yet. Select some of the list."),
        "contacts.webhook": gettext_lazy("No other system is told of changes yet."),
        "contacts.webhookdeadletter": gettext_lazy("Every change was delivered."),
        "contacts.customfield": gettext_lazy("A contact has the usual fields. Add what else you know of yours."),
        "contacts.junkvalue": gettext_lazy("No values of your own. The built-in ones are refused all the same."),
        "contacts.subscriptioncategory": gettext_lazy("No category yet. One comes with the first subscription."),
        "contacts.eventtype": gettext_lazy("No type yet. One comes with the first event of it."),
    }
)
