"""What of a target is chosen by people and programs, checked before the tables are kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from importlib.util import find_spec
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.errors import SettingsRefused
from contacts.exports.warehouse.flow import choose_tables
from contacts.exports.warehouse.targets import MODULES
from contacts.models import ExportTable, ExportTarget, TargetKind
from crm.errors import CardfileError, Refused

__all__ = ["LONGEST_NAME", "choose", "choose_all", "kinds_there_are"]

LONGEST_NAME: Final = 40
"""Of a table; the one that is filled beside it has a longer name."""
NAME: Final = re.compile(rf"[a-z_][a-z0-9_]{{0,{LONGEST_NAME - 1}}}", re.ASCII)


def kinds_there_are() -> list[TargetKind]:
    """Those that this installation can write."""
    return [kind for kind in TargetKind if find_spec(MODULES[kind]) is not None]


def choose_all(target: ExportTarget) -> list[ExportTable]:
    """Every data set with every column, as a new target has them."""
    return choose(target, dict.fromkeys(DATA_SETS))


def choose(
    target: ExportTarget, chosen: Mapping[str, Collection[str] | None], *, names: Mapping[str, str] | None = None
) -> list[ExportTable]:
    """As ``choose_tables``, with the tables' names checked; the name of a table that was made stays.

    Raises ``Refused`` with an error a data set.
    """
    made = {table.data_set: table.table_name for table in target.tables.exclude(made={})}
    named = {**(names or {}), **made}
    if errors := list(_find_wrong_names(chosen, named)):
        raise Refused(errors, errors[0].message)
    try:
        with transaction.atomic():
            return choose_tables(target, chosen, names=named)
    except IntegrityError as error:  # two tables change names with each other
        wrong = SettingsRefused(_("Two tables cannot have the same name. Save one new name at a time."), path="tables")
        raise Refused([wrong], wrong.message) from error


def _find_wrong_names(chosen: Collection[str], names: Mapping[str, str]) -> Iterator[CardfileError]:
    seen: set[str] = set()
    for slug in chosen:
        name = names.get(slug) or slug
        if not NAME.fullmatch(name):
            words = _("Name the table with up to {count} small letters, digits and underscores.")
            yield SettingsRefused(words.format(count=LONGEST_NAME), path=f"{slug}.name")
        elif name in seen:
            yield SettingsRefused(_("Another table has this name. Choose a different one."), path=f"{slug}.name")
        seen.add(name)
