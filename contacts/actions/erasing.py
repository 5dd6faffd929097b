"""Somebody is erased: whoever looked for them by an address or an ID and kept that search, keeps it no longer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import connection
from django.http import QueryDict

from contacts.models import SavedView
from contacts.records import Key

__all__ = ["forget_erased"]

ERASED: Final = "erased"
PREFIX: Final = "extid:"
TABLES: Final = ("contacts_contactaction", "contacts_contactexport")

_FORGET: Final = """
UPDATE {table} SET selection = jsonb_set(selection, '{{conditions,q}}', %s::jsonb)
WHERE selection #>> '{{conditions,q}}' IS NOT NULL AND lower(selection #>> '{{conditions,q}}') = ANY(%s)
"""


def forget_erased(*, held: Mapping[int, Collection[Key]], **_signal: Any) -> None:
    """Within the transaction that erases these contacts: searches for a value of theirs name nobody any more.

    An action that waits and meant them by it means nobody then.
    """
    values = {value.lower() for keys in held.values() for _kind, _app, value in keys}
    texts = values | {PREFIX + value for value in values} | {f"id:{contact_id}" for contact_id in held}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(_FORGET.format(table=table), [f'"{ERASED}"', list(texts)])
    _forget_in_views(texts)


def _forget_in_views(texts: Collection[str]) -> None:
    changed = []
    for view in SavedView.objects.filter(query__contains="q=").iterator():
        query = QueryDict(view.query, mutable=True)
        if query.get("q", "").lower() in texts:
            query["q"] = ERASED
            view.query = query.urlencode()
            changed.append(view)
    SavedView.objects.bulk_update(changed, ["query"])
