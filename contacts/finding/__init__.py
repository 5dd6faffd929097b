"""Finding contacts among millions: by a text that somebody typed, by names, and a page of a list at a time.

It reads and never writes. What a text or a filter means is said here and in ``contacts.filters``; whoever shows or
works through contacts takes it from ``contacts.selections``.
"""

from contacts.finding.search import Found, Query, find_contacts, find_exact, read_query

__all__ = ["Found", "Query", "find_contacts", "find_exact", "read_query"]
