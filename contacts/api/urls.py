"""Addresses under /api/; patterns end without a slash (``crm.api.paths``)."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from contacts.api.translate import LARGEST_ID
from contacts.api.views import ContactsView, ContactView


class ContactIdConverter(IntConverter):
    """A number that an id could be; anything else is no address of a contact."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value)
        if not 0 < number <= LARGEST_ID:
            raise ValueError
        return number


register_converter(ContactIdConverter, "contact_id")

urlpatterns = [
    path("v1/contact", ContactsView.as_view(), name="api-contacts"),
    path("v1/contact/<contact_id:contact_id>", ContactView.as_view(), name="api-contact"),
]
