"""An import as people prepare it in the back office, without the back office."""

from collections.abc import Mapping
from typing import Any

from contacts.imports import flow
from contacts.imports.files import store
from contacts.imports.orders.plan import OrderOptions
from contacts.imports.plan import Options
from contacts.models import Import, ImportContent

BY = "user:1"


def upload(
    *lines: str, name: str = "contacts.csv", by: str = BY, content: ImportContent = ImportContent.CONTACTS
) -> Import:
    """An import of a file with these lines, as its upload leaves it."""
    data = "".join(f"{line}\n" for line in lines).encode()
    return flow.begin(store([data], name), name, by=by, content=content)


def upload_orders(*lines: str, options: OrderOptions | None = None, **targets: str) -> Import:
    """An import of orders, its mapping settled; columns as they are guessed but for those that are given by header."""
    run = upload(*lines, name="orders.csv", content=ImportContent.ORDERS)
    return map_orders(run, options, **targets)


def map_orders(run: Import, options: OrderOptions | None = None, **targets: str) -> Import:
    mapping = [
        {**entry, "target": targets.pop(entry["header"].replace(" ", "_"), entry["target"])} for entry in run.mapping
    ]
    assert not targets, "no such header"
    return flow.choose_orders(run, mapping, options or OrderOptions.from_json(run.options))


def map_columns(run: Import, options: Options | None = None, **targets: Any) -> Import:
    """Choose what columns become, by header (spaces as underscores); the others stay as they were guessed.

    A dict is a whole entry, so that it can say that nothing is overwritten, or make a new field.
    """
    mapping = []
    for entry in run.mapping:
        wanted = targets.pop(entry["header"].replace(" ", "_"), None)
        if isinstance(wanted, Mapping):
            entry = {**entry, **wanted}
        elif wanted is not None:
            entry = {**entry, "target": wanted}
        mapping.append(entry)
    assert not targets, "no such header"
    return flow.choose(run, mapping, options or Options.from_json(run.options))
