"""Whom a page of an action means: what its address carries from the list."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from contacts.admin.actions.words import COUNTED_UP_TO, Count
from contacts.admin.filters import in_words
from contacts.admin.limits import TookTooLong, stopped_after
from contacts.models import Contact
from contacts.selections import BrokenSelection, Selection

__all__ = [
    "SELECTED",
    "Chosen",
    "conditions_in_words",
    "count_chosen",
    "look_at",
    "read_chosen",
    "read_ids",
    "write_chosen",
]

WHOLE: Final = "whole"
SELECTED: Final = "selected"
BACK: Final = "next"
COUNT_MILLISECONDS: Final = 2_000
SELECTED_AT_MOST: Final = 1_000
SHOWN: Final = 8


class Chosen(NamedTuple):
    """A selection, where it was chosen, and the query that carries it."""

    selection: Selection
    back: str
    query: str


def write_chosen(selection: Selection, *, back: str) -> str:
    """The query that carries a selection to a page of ours. A few ids, or the list's own conditions."""
    if selection.ids is not None:
        return urlencode({SELECTED: ",".join(map(str, selection.ids)), BACK: back})
    return urlencode({WHOLE: "1", **selection.conditions, BACK: back}, doseq=True)


def read_chosen(request: HttpRequest) -> Chosen:
    """What ``write_chosen`` wrote; raises ``BrokenSelection``: an address that says nothing never means everybody."""
    asked = request.GET
    if SELECTED in asked:
        selection = Selection(ids=tuple(read_ids(asked[SELECTED].split(","))))
        if not selection.ids:
            raise BrokenSelection
    elif asked.get(WHOLE) == "1":
        selection = Selection.from_query(asked)
    else:
        raise BrokenSelection
    back = asked.get(BACK, "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("admin:contacts_contact_changelist")
    return Chosen(selection, back, write_chosen(selection, back=back))


def read_ids(texts: Iterable[str]) -> list[int]:
    """The ids of a selection; what is no id is nobody's."""
    ids = (int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19)
    return list(dict.fromkeys(ids))[:SELECTED_AT_MOST]


def count_chosen(selection: Selection) -> Count:
    """How many are meant, at most one more than are counted; None where that took too long."""
    try:
        with stopped_after(COUNT_MILLISECONDS):
            return selection.contacts()[: COUNTED_UP_TO + 1].count()
    except TookTooLong:
        return None


def look_at(selection: Selection) -> tuple[Count, list[Contact]]:
    """How many are meant, and a few of them, so that one sees who."""
    count: Count = None
    some: list[Contact] = []
    with suppress(TookTooLong), stopped_after(COUNT_MILLISECONDS):
        some = list(selection.contacts()[:SHOWN])
        count = selection.contacts()[: COUNTED_UP_TO + 1].count()
    return count, some


def conditions_in_words(selection: Selection) -> list[tuple[str, str]]:
    """What narrows the list, as its filters say it."""
    return [] if selection.ids is not None else list(in_words(selection))
