"""Finding contacts among millions: by a text that somebody typed, by names, and a page of a list at a time.

It reads and never writes. What a text or a filter means is said here and in ``contacts.filters``; whoever shows or
works through contacts takes it from ``contacts.selections``.
"""

from contacts.finding.few import Found, find_contacts
from contacts.finding.paging import Page, Place, Wanted, read_page
from contacts.finding.search import Query, Searched, read_query, search_for

__all__ = [
    "Found",
    "Page",
    "Place",
    "Query",
    "Searched",
    "Wanted",
    "find_contacts",
    "read_page",
    "read_query",
    "search_for",
]
