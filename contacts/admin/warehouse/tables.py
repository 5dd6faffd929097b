"""The page on which the data sets and their columns are ticked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.exports.warehouse.choosing import LONGEST_NAME, choose
from contacts.exports.warehouse.data_sets import DATA_SETS
from contacts.exports.warehouse.tables import needed_keys
from contacts.models import CustomField, ExportTable, ExportTarget
from crm.audit import Action, about, actor_of, note
from crm.errors import CardfileError

__all__ = ["Choice", "choices_of", "keep_choices", "read_choices", "show_sets"]


class ShownColumn(NamedTuple):
    key: str
    label: str
    name: str
    type: str
    is_chosen: bool
    is_needed: bool
    is_new: bool


class ShownSet(NamedTuple):
    """A data set, whether it leaves, and its columns. ``is_made``: its table stands at the target under this name."""

    slug: str
    label: str
    table: str
    is_chosen: bool
    is_made: bool
    columns: list[ShownColumn]
    errors: list[str]
    longest: int = LONGEST_NAME

    @property
    def chosen(self) -> int:
        return sum(column.is_chosen for column in self.columns)


class Choice(NamedTuple):
    """What was ticked: the columns by data set, and the names of tables."""

    columns: dict[str, list[str]]
    names: dict[str, str]


def read_choices(data: QueryDict) -> Choice:
    """From the page's form; what is not there is refused by the verb."""
    chosen = data.getlist("data_set")
    return Choice(
        {slug: data.getlist(f"columns.{slug}") for slug in chosen},
        {slug: data.get(f"table.{slug}", "").strip() for slug in chosen},
    )


def choices_of(target: ExportTarget) -> Choice:
    """What is chosen now."""
    tables = list(target.tables.all())
    return Choice(
        {table.data_set: list(table.columns) for table in tables},
        {table.data_set: table.table_name for table in tables},
    )


def show_sets(target: ExportTarget, choice: Choice, errors: list[CardfileError]) -> list[ShownSet]:
    """Every data set there is, with what was chosen; one that is not chosen yet has every column ticked."""
    tables = {table.data_set: table for table in target.tables.all()}
    return [show_set(slug, tables.get(slug), choice, errors) for slug in DATA_SETS]


def show_set(slug: str, table: ExportTable | None, choice: Choice, errors: list[CardfileError]) -> ShownSet:
    made: Mapping[str, Any] = table.made if table else {}
    says = [_(error.message) for error in errors if error.path.partition(".")[0] == slug]
    return ShownSet(
        slug=slug,
        label=str(DATA_SETS[slug].label),
        table=choice.names.get(slug) or slug,
        is_chosen=slug in choice.columns,
        is_made=bool(made),
        columns=list(show_columns(slug, choice, made)),
        errors=says,
    )


def show_columns(slug: str, choice: Choice, made: Mapping[str, Any]) -> Iterator[ShownColumn]:
    data_set = DATA_SETS[slug]
    needed = needed_keys(data_set)
    chosen = choice.columns.get(slug)
    for column in data_set.columns(CustomField.objects.order_by("key")):
        is_chosen = chosen is None or column.key in chosen or column.key in needed
        yield ShownColumn(
            key=column.key,
            label=column.label,
            name=column.name,
            type=column.type,
            is_chosen=is_chosen,
            is_needed=column.key in needed,
            is_new=bool(made) and column.key not in made,
        )


def keep_choices(target: ExportTarget, choice: Choice, request: HttpRequest) -> str:
    """Keep it, write down what became of it, and say what the next run does. Raises ``Refused``."""
    before = choices_of(target)
    tables = choose(target, choice.columns, names=choice.names)
    after = choices_of(target)
    changed = {
        f"{slug} →": [before.columns.get(slug), after.columns.get(slug)]
        for slug in dict.fromkeys((*before.columns, *after.columns))
        if before.columns.get(slug) != after.columns.get(slug)
    }
    if changed:
        details = {"name": target.name, **changed}
        note(Action.CHANGED, by=actor_of(request), about=about(target), details=details, request=request)
    return say_kept(tables)


def say_kept(tables: list[ExportTable]) -> str:
    """With the columns that come to tables that stand."""
    count = sum(len(table.columns_to_fill) for table in tables if table.made)
    if not count:
        return _("It was saved. The next run goes by it.")
    return ngettext(
        "It was saved. The next run adds %(count)d column at the target and fills it for everybody.",
        "It was saved. The next run adds %(count)d columns at the target and fills them for everybody.",
        count,
    ) % {"count": count}
