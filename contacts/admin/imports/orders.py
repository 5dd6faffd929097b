"""The map page of orders, and what its targets and columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from contacts.admin.imports.lines import ColumnsForm, offer
from contacts.admin.journal import show_moment, show_value
from contacts.imports.orders.columns import DETAILS, ITEM, ITEM_DETAILS, ITEMS, TARGETS, WHO
from contacts.imports.orders.plan import OrderOptions
from contacts.models import Import, OrderStatus

__all__ = ["COLUMN_LABELS", "TARGET_LABELS", "OrderMappingForm", "list_order_choices", "show_order_value"]

TARGET_LABELS: Final[Mapping[str, Any]] = {
    "number": gettext_lazy("Order number"),
    "status": gettext_lazy("Status"),
    "total_cost": gettext_lazy("Total"),
    "currency": gettext_lazy("Currency"),
    "ordered_at": gettext_lazy("Date"),
    "external_id": gettext_lazy("External ID"),
    "email": gettext_lazy("Email"),
    "phone": gettext_lazy("Phone"),
    ITEMS: gettext_lazy("Items (JSON)"),
    DETAILS: gettext_lazy("Detail of the order"),
    "item.externalItemId": gettext_lazy("Item number"),
    "item.name": gettext_lazy("Item name"),
    "item.category": gettext_lazy("Item category"),
    "item.url": gettext_lazy("Item link"),
    "item.imageUrl": gettext_lazy("Item picture"),
    "item.description": gettext_lazy("Item description"),
    "item.quantity": gettext_lazy("Item quantity"),
    "item.cost": gettext_lazy("Item price"),
    ITEM_DETAILS: gettext_lazy("Detail of the item"),
}
COLUMN_LABELS: Final[Mapping[str, Any]] = {
    **TARGET_LABELS, ITEMS: gettext_lazy("Items"), DETAILS: gettext_lazy("Details"),
}  # fmt: skip
MONEY: Final = "total_cost"


class OrderMappingForm(ColumnsForm):
    """Checks shape alone; what the choices mean together is said by ``flow.choose_orders``."""

    currency = forms.CharField(
        label=gettext_lazy("Currency of orders that say none"),
        help_text=gettext_lazy("Three letters, such as UAH. Leave it empty if each row says its own."),
        required=False,
        max_length=3,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status of orders that say none"),
        help_text=gettext_lazy("Only delivered orders count as bought."),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    makes_contacts = forms.BooleanField(
        label=gettext_lazy("Make the contacts of unknown people"),
        help_text=gettext_lazy("Otherwise orders of people whom nobody knows are left out. No contact is changed."),
        required=False,
        widget=UnfoldBooleanWidget(),
    )

    def __init__(self, run: Import, *, data: QueryDict | None = None) -> None:
        options = OrderOptions.from_json(run.options)
        initial: dict[str, Any] = options.as_json()
        initial |= {f"target-{place}": column["target"] for place, column in enumerate(run.mapping)}
        super().__init__(run, data=data, initial=initial)
        offer(self, "status", [("", _("Each row says its own")), *_list_statuses()])
        self.add_columns(list_order_targets())

    # What was chosen

    def read_mapping(self) -> list[dict[str, Any]]:
        chosen = self.cleaned_data
        return [
            {"header": header, "target": chosen[f"target-{place}"]} for place, header in enumerate(self.run.headers)
        ]

    def read_options(self) -> OrderOptions:
        cleaned = self.cleaned_data
        return OrderOptions(
            currency=cleaned["currency"].strip().upper(),
            status=cleaned["status"],
            makes_contacts=cleaned["makes_contacts"],
        )


def list_order_targets() -> list[Any]:
    """All that a column of a file can say, in groups."""
    whole = [*(target for target in TARGETS if target not in WHO and not target.startswith("item")), ITEMS]
    items = [target for target in TARGETS if target.startswith(ITEM) or target == ITEM_DETAILS]
    return [
        ("", _("Skip this column")),
        (_("Order"), [(target, str(TARGET_LABELS[target])) for target in whole]),
        (_("Whose order it is"), [(target, str(TARGET_LABELS[target])) for target in WHO]),
        (_("Item, where a row is one"), [(target, str(TARGET_LABELS[target])) for target in items]),
    ]


def list_order_choices(run: Import) -> list[tuple[str, str]]:
    """What was chosen for an import of orders, in words."""
    options = OrderOptions.from_json(run.options)
    each = _("Each row says its own")
    return [
        (_("Currency of orders that say none"), options.currency or each),
        (_("Status of orders that say none"), dict(_list_statuses()).get(options.status, each)),
        (_("Make the contacts of unknown people"), _("yes") if options.makes_contacts else _("no")),
    ]


def _list_statuses() -> list[tuple[str, str]]:
    return [(value, str(label).capitalize()) for value, label in OrderStatus.choices]


def show_order_value(column: str, value: Any) -> str | SafeString:
    """A value of an order as the preview keeps it, for people."""
    if value is None or value == "":
        return "—"
    if column == "status" and value in OrderStatus.values:
        return str(OrderStatus(value).label)
    if column == "ordered_at":
        return show_moment(datetime.fromisoformat(value))
    if column == MONEY:
        return _show_sum(str(value))
    return show_value(column, value)


def _show_sum(text: str) -> str:
    try:
        return number_format(Decimal(text), decimal_pos=2, use_l10n=True, force_grouping=True)
    except InvalidOperation:
        return text
