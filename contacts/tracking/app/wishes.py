"""Names of segments and categories that an app sends, as what can be written.

A missing one is made, as for the server's calls. But anybody who has the app can call, so no more are made than people
can look through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import gettext as _

from contacts import populations
from contacts.bulk import settle_segments
from contacts.mobile import Wishes
from contacts.models import SubscriptionCategory
from contacts.tracking.app.translate import WireUser
from contacts.wire import WireContact
from crm.errors import CardfileError

__all__ = ["settle_wishes"]

MOST_MADE: Final = 500
"""Of each; people may make more."""


def settle_wishes(user: WireUser, *, by: str) -> Wishes:
    """What is refused is told and left out."""
    include = _without_new(user.wire, user.include, [name for _id, name in _listed(user.include)])
    return Wishes(
        join=tuple(_settle(user.wire, include, make=True, by=by)),
        leave=tuple(_settle(user.wire, user.exclude, make=False, by=by)),
        categories=tuple(_without_new(user.wire, user.categories, _known_categories(user.categories))),
    )


def _listed(names: Mapping[str, str]) -> list[tuple[int, str]]:
    return populations.current().listed() if names else []


def _known_categories(keys: Mapping[str, str]) -> list[str]:
    return list(SubscriptionCategory.objects.values_list("key", flat=True)) if keys else []


def _without_new(wire: WireContact, names: Mapping[str, str], known: list[str]) -> dict[str, str]:
    """Those that are there, and as many others as there is room for."""
    there, room, kept = {name.lower() for name in known}, MOST_MADE - len(known), {}
    for name, path in names.items():
        if name.lower() not in there:
            room -= 1
            if room < 0:
                message = _("There are %(count)d already. Add this one in the back office first.")
                wire.refuse(path, "too_many", message % {"count": len(known)})
                continue
        kept[name] = path
    return kept


def _settle(wire: WireContact, names: Mapping[str, str], *, make: bool, by: str) -> Iterable[int]:
    for name, path in names.items():
        try:
            yield from settle_segments([name], make=make, by=by)
        except CardfileError as error:
            wire.refuse(path, error.code, error.message)
