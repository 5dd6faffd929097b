"""An import as people prepare it in the back office, without the back office."""

from collections.abc import Mapping
from typing import Any

from contacts.imports import flow
from contacts.imports.files import store
from contacts.imports.plan import Options
from contacts.models import Import

BY = "user:1"


def upload(*lines: str, name: str = "contacts.csv", by: str = BY) -> Import:
    """An import of a file with these lines, as its upload leaves it."""
    content = "".join(f"{line}\n" for line in lines).encode()
    return flow.begin(store([content], name), name, by=by)


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
