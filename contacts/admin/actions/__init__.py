"""Doors of bulk actions: chosen on the list, confirmed on a page of their own, followed and taken back on another."""

from contacts.admin.actions.admin import ContactActionAdmin
from contacts.admin.actions.bar import ContactActions

__all__ = ["ContactActionAdmin", "ContactActions"]
