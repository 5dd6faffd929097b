"""What the delivered orders of contacts come to by currency: made anew wherever a transaction touched orders.

Whoever writes orders holds their contacts' rows, so that no two of them make the same totals at once. They are made
from the orders and never counted up: what is taken back, moved or sent again needs no rule of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import psycopg

from contacts.identity.load import array_of

__all__ = ["FRESH_TOTALS", "refresh_totals"]

FRESH_TOTALS: Final = """
SELECT contact_id, currency, count(*) AS count, sum(total_cost) AS amount, min(ordered_at) AS first_at,
    max(ordered_at) AS last_at
FROM contacts_order WHERE status = 'DELIVERED'
"""
"""What the totals have to be; a condition and the grouping follow."""
_REFRESH: Final = f"""
WITH fresh AS ({FRESH_TOTALS} AND contact_id = ANY(%(ids)s::bigint[]) GROUP BY contact_id, currency),
gone AS (
    DELETE FROM contacts_ordertotal t WHERE t.contact_id = ANY(%(ids)s::bigint[])
    AND NOT EXISTS (SELECT FROM fresh f WHERE f.contact_id = t.contact_id AND f.currency = t.currency)
)
INSERT INTO contacts_ordertotal AS t (contact_id, currency, count, amount, first_at, last_at)
SELECT contact_id, currency, count, amount, first_at, last_at FROM fresh ORDER BY contact_id, currency
ON CONFLICT (contact_id, currency) DO UPDATE
SET count = excluded.count, amount = excluded.amount, first_at = excluded.first_at, last_at = excluded.last_at
WHERE (t.count, t.amount, t.first_at, t.last_at)
    IS DISTINCT FROM (excluded.count, excluded.amount, excluded.first_at, excluded.last_at)
"""


def refresh_totals(cursor: psycopg.Cursor[Any], ids: Collection[int]) -> None:
    """Make the totals of these contacts, whose rows the caller has locked and whose orders it has just written."""
    if ids:
        cursor.execute(_REFRESH, {"ids": array_of(sorted(ids))})
