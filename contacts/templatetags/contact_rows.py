"""The rows of the contact list, in unfold's own table.

Unfold's tag works the headers out anew for each row, draws a box to tick and looks up an address for each; that is a
third of the time of the page. Here all three are done once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import template
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.admin import checkbox
from unfold.templatetags.unfold_list import (
    CHECKBOX_CLASSES,
    LINK_CLASSES,
    ROW_CLASSES,
    UnfoldResultList,
    result_headers,
)

register = template.Library()

CHECKBOX: Final = "action_checkbox"
PLACE: Final = "the-number-of-the-contact"
CELL: Final = '<{tag} class="{classes}" data-label="{label}">{shown}</{tag}>'


@register.inclusion_tag("admin/change_list_results.html", takes_context=True)
def contact_rows(context: Context, cl: Any) -> dict[str, Any]:
    """What unfold's own tag gives its template, for a list that nobody sorts or edits in place."""
    headers = list(result_headers(cl))
    labels = [header["text"] for header in headers]
    box = checkbox.render(ACTION_CHECKBOX_NAME, PLACE)
    return {
        "cl": cl,
        "result_hidden_fields": [],
        "result_headers": headers,
        "num_sorted_fields": 0,
        "results": [UnfoldResultList(row, None, cells_of(cl, row, labels, box)) for row in cl.result_list],
        "actions_row": context.get("actions_row"),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }


def cells_of(cl: Any, contact: Any, labels: list[Any], box: str) -> Iterator[SafeString]:
    for field, label in zip(cl.list_display, labels, strict=True):
        name = getattr(field, "__name__", field)
        if name == CHECKBOX:
            shown = SafeString(box.replace(PLACE, str(contact.pk)))
            yield format_html(CELL, tag="td", classes=" ".join(CHECKBOX_CLASSES), label=_("Select record"), shown=shown)
            continue
        shown = field(contact) if callable(field) else getattr(cl.model_admin, field)(contact)
        is_link = name in (cl.list_display_links or ())
        yield format_html(
            CELL,
            tag="th" if is_link else "td",
            classes=" ".join([f"field-{name}", *ROW_CLASSES]),
            label=label,
            shown=link_to(cl, contact, shown) if is_link else shown,
        )


def link_to(cl: Any, contact: Any, shown: Any) -> SafeString:
    """To the sheet, from where one comes back to this list as it is now."""
    address = f"{reverse('admin:contacts_contact_changelist')}{contact.pk}/change/"
    if cl.preserved_filters:
        address += f"?{cl.preserved_filters}"
    return format_html('<a href="{}" class="{}">{}</a>', address, " ".join(LINK_CLASSES), shown)
