"""What the database keeps of a contact: one file an idea, no behaviour beyond naming a row.

Rows of contacts and identifiers are written in ``contacts.identity`` alone; nothing here overrides ``save``.
"""

from contacts.models.account import Account, read_account_zone
from contacts.models.app import App, AppKey, SeenApp, SeenDevice
from contacts.models.bulk_call import BulkCall, BulkRow, CallStatus
from contacts.models.confirmation import Confirmation, ConfirmationStatus
from contacts.models.consent import Consent, SubscriptionCategory, Suppression
from contacts.models.contact import ChannelState, Contact, ContactState
from contacts.models.contact_action import ActionBatch, ActionRow, ActionStatus, ActionVerb, ActionWish, ContactAction
from contacts.models.contact_export import ContactExport, ExportStatus
from contacts.models.custom_field import CustomField, FieldType, FieldWork, WorkKind, WorkStatus
from contacts.models.duplicate_case import (
    NAME_KIND,
    CaseReason,
    CaseStatus,
    Clearing,
    DuplicateCase,
    Namesake,
    NamesakeWalk,
    Suggestion,
)
from contacts.models.event import (
    Event,
    EventParameter,
    EventReceipt,
    EventType,
    JournalPosition,
    UnmatchedEvent,
    UnmatchedName,
    WhenNobody,
)
from contacts.models.export_mark import ExportMark, ExportMember, ExportSegment
from contacts.models.identifier import Identifier
from contacts.models.import_trace import ImportTrace, TraceKind
from contacts.models.imports import (
    EffectKind,
    Import,
    ImportContent,
    ImportedOrder,
    ImportEffect,
    ImportFix,
    ImportRow,
    ImportStatus,
    ImportWish,
    PreviewRow,
    UndoKept,
)
from contacts.models.journal import Change, ChangeKind
from contacts.models.merge import Merge, MergeMove
from contacts.models.order import Order, OrderStatus, OrderTotal
from contacts.models.policy import JunkValue, Policy
from contacts.models.retention import EventWithoutMonth, NumberToEmpty, RetentionRun
from contacts.models.saved_view import ListTaste, SavedView
from contacts.models.site import Site
from contacts.models.statistics import ContactTally, DailyFigure
from contacts.models.subscription_form import ConfirmationText, SubscriptionForm
from contacts.models.warehouse import Deletions, ExportRun, ExportTable, ExportTarget, RunKind, RunStatus, TargetKind
from contacts.models.webhook import Webhook, WebhookDeadLetter, WebhookDelivery

__all__ = [
    "NAME_KIND",
    "Account",
    "ActionBatch",
    "ActionRow",
    "ActionStatus",
    "ActionVerb",
    "ActionWish",
    "App",
    "AppKey",
    "BulkCall",
    "BulkRow",
    "CallStatus",
    "CaseReason",
    "CaseStatus",
    "Change",
    "ChangeKind",
    "ChannelState",
    "Clearing",
    "Confirmation",
    "ConfirmationStatus",
    "ConfirmationText",
    "Consent",
    "Contact",
    "ContactAction",
    "ContactExport",
    "ContactState",
    "ContactTally",
    "CustomField",
    "DailyFigure",
    "Deletions",
    "DuplicateCase",
    "EffectKind",
    "Event",
    "EventParameter",
    "EventReceipt",
    "EventType",
    "EventWithoutMonth",
    "ExportMark",
    "ExportMember",
    "ExportRun",
    "ExportSegment",
    "ExportStatus",
    "ExportTable",
    "ExportTarget",
    "FieldType",
    "FieldWork",
    "Identifier",
    "Import",
    "ImportContent",
    "ImportEffect",
    "ImportFix",
    "ImportRow",
    "ImportStatus",
    "ImportTrace",
    "ImportWish",
    "ImportedOrder",
    "JournalPosition",
    "JunkValue",
    "ListTaste",
    "Merge",
    "MergeMove",
    "Namesake",
    "NamesakeWalk",
    "NumberToEmpty",
    "Order",
    "OrderStatus",
    "OrderTotal",
    "Policy",
    "PreviewRow",
    "RetentionRun",
    "RunKind",
    "RunStatus",
    "SavedView",
    "SeenApp",
    "SeenDevice",
    "Site",
    "SubscriptionCategory",
    "SubscriptionForm",
    "Suggestion",
    "Suppression",
    "TargetKind",
    "TraceKind",
    "UndoKept",
    "UnmatchedEvent",
    "UnmatchedName",
    "Webhook",
    "WebhookDeadLetter",
    "WebhookDelivery",
    "WhenNobody",
    "WorkKind",
    "WorkStatus",
    "read_account_zone",
]
