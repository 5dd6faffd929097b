"""Addresses under /api/; patterns end without a slash (``crm.api.paths``)."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter, StringConverter

from contacts.api import activity, bulk, files, tokens, transfers
from contacts.api.account import AccountView, AddressBooksView, VersionView, WorkflowsView
from contacts.api.history import HistoryView
from contacts.api.merging import MergeView, UndoView
from contacts.api.purchases import PurchasesView
from contacts.api.resolving import ResolveView
from contacts.api.resource import ByEmailView, ByExternalIdView
from contacts.api.search import EmailsView
from contacts.api.subscribe import AddUnsubscribedView, ConfirmationView, DeleteUnsubscribedView, SubscribeView
from contacts.api.subscriptions import ContactSubscriptionsView, SubscriptionsView
from contacts.api.totals import TotalsView
from contacts.api.views import ContactsView, ContactView
from contacts.api.warehouse import (
    WarehouseCancelView,
    WarehouseRunsView,
    WarehousesView,
    WarehouseTestView,
    WarehouseView,
)
from contacts.wire import LARGEST_ID


class ContactIdConverter(IntConverter):
    """A number that an id could be; anything else is no address of a contact."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value)
        if not 0 < number <= LARGEST_ID:
            raise ValueError
        return number


class TextConverter(StringConverter):
    """Whatever somebody may have for an ID: with slashes, as Django's ``path``, and line breaks, which that lacks."""

    regex = "(?s:.+)"


register_converter(ContactIdConverter, "contact_id")
register_converter(TextConverter, "text")

urlpatterns = [
    path("v1/contact", ContactsView.as_view(), name="api-contacts"),
    path("v1/contact/<contact_id:contact_id>", ContactView.as_view(), name="api-contact"),
    path("v1/contact/<contact_id:contact_id>/confirmation", ConfirmationView.as_view(), name="api-confirmation"),
    path("v1/contact/subscribe", SubscribeView.as_view(), name="api-subscribe"),
    path("v1/contacts", bulk.BulkContacts.as_view(), name="api-search"),
    path("v1/contacts/email", EmailsView.as_view(), name="api-emails"),
    path("v1/emails/unsubscribed/add", AddUnsubscribedView.as_view(), name="api-unsubscribe"),
    path("v1/emails/unsubscribed/delete", DeleteUnsubscribedView.as_view(), name="api-resubscribe"),
    path("v1/addressbooks", AddressBooksView.as_view(), name="api-addressbooks"),
    path("v1/account/info", AccountView.as_view(), name="api-account"),
    path("v1/version", VersionView.as_view(), name="api-version"),
    path("v1/workflows", WorkflowsView.as_view(), name="api-workflows"),
    path("v1/importstatus/<str:session_id>", bulk.ImportStatusView.as_view(), name="api-import-status"),
    path("v1/contacts/upload", transfers.UploadView.as_view(), name="api-upload"),
    path("v1/imports", transfers.ImportsView.as_view(), name="api-imports"),
    path("v1/imports/<text:import_id>", transfers.ImportView.as_view(), name="api-import"),
    path("v1/exports", transfers.ExportsView.as_view(), name="api-exports"),
    path("v1/exports/<text:export_id>/cancel", transfers.ExportCancelView.as_view(), name="api-export-cancel"),
    path("v1/exports/<text:export_id>", transfers.ExportView.as_view(), name="api-export"),
    path("v1/files/<str:token>", files.FileView.as_view(), name="api-file"),
    path("v1/orders", activity.OrdersView.as_view(), name="api-orders"),
    path("v1/event", activity.EventView.as_view(), name="api-event"),
    path("v2/event", activity.EventV2View.as_view(), name="api-event-v2"),
    path("v1/past_events", activity.PastEventsView.as_view(), name="api-past-events"),
    path("v2/past_events", activity.PastEventsV2View.as_view(), name="api-past-events-v2"),
    path("v1/contact/token/activated/<str:app>/<text:token>", tokens.ActivatedView.as_view(), name="api-activated"),
    path("v1/contact/token/<str:app>/<text:token>/contactId", tokens.TokenContactView.as_view(), name="api-token"),
    path("v1/apps/<str:app>/tokens", tokens.AddTokensView.as_view(), name="api-tokens"),
    path("v1/apps/<str:app>/token/mute", tokens.MuteView.as_view(), name="api-mute"),
    path("v1/apps/<str:app>/token/unmute", tokens.UnmuteView.as_view(), name="api-unmute"),
    path("v1/subscriptions", SubscriptionsView.as_view(), name="api-subscriptions"),
    path(
        "v1/contact/<contact_id:contact_id>/subscriptions",
        ContactSubscriptionsView.as_view(),
        name="api-contact-subscriptions",
    ),
    path("v1/contacts/external-id/<text:external_id>", ByExternalIdView.as_view(), name="api-by-external-id"),
    path("v1/contacts/email/<text:email>", ByEmailView.as_view(), name="api-by-email"),
    path("v1/purchases", PurchasesView.as_view(), name="api-purchases"),
    path("v1/resolve", ResolveView.as_view(), name="api-resolve"),
    path("v1/contact/<contact_id:contact_id>/merge", MergeView.as_view(), name="api-merge"),
    path("v1/merges/<contact_id:merge_id>/undo", UndoView.as_view(), name="api-undo-merge"),
    path("v1/contact/<contact_id:contact_id>/history", HistoryView.as_view(), name="api-history"),
    path("v1/contact/<contact_id:contact_id>/totals", TotalsView.as_view(), name="api-totals"),
    path("v1/warehouses", WarehousesView.as_view(), name="api-warehouses"),
    path("v1/warehouses/<text:warehouse_id>/test", WarehouseTestView.as_view(), name="api-warehouse-test"),
    path("v1/warehouses/<text:warehouse_id>/runs", WarehouseRunsView.as_view(), name="api-warehouse-runs"),
    path("v1/warehouses/<text:warehouse_id>/cancel", WarehouseCancelView.as_view(), name="api-warehouse-cancel"),
    path("v1/warehouses/<text:warehouse_id>", WarehouseView.as_view(), name="api-warehouse"),
]
