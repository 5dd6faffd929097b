from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContactsConfig(AppConfig):
    """Contacts, and everything that is known of them."""

    name = "contacts"
    verbose_name = _("Contacts")

    def ready(self) -> None:
        from django.db.models.signals import post_delete, post_save

        from contacts import actions, bulk
        from contacts.activity import unmatched
        from contacts.exports.warehouse.marks import mark_contacts
        from contacts.fields import erasing as fields
        from contacts.identity.erase import contacts_erased
        from contacts.identity.settings import note_settings_changed
        from contacts.models import Account, CustomField, EventType, JunkValue, Policy
        from contacts.populations import contacts_changed
        from contacts.webhooks import register
        from contacts.webhooks.bell import note_changes
        from contacts.webhooks.journal import ContactChanges

        for model in (Account, Policy, JunkValue, CustomField, EventType):
            for signal in (post_save, post_delete):
                signal.connect(note_settings_changed, sender=model, dispatch_uid=f"settings-{model.__name__}")
        register(ContactChanges())
        contacts_changed.connect(note_changes, dispatch_uid="contacts.webhooks")
        contacts_changed.connect(mark_contacts, dispatch_uid="contacts.exports.warehouse")
        contacts_erased.connect(unmatched.forget_erased, dispatch_uid="contacts.activity")
        contacts_erased.connect(bulk.forget_erased, dispatch_uid="contacts.bulk")
        contacts_erased.connect(fields.forget_erased, dispatch_uid="contacts.fields")
        contacts_erased.connect(actions.forget_erased, dispatch_uid="contacts.actions")
