"""What import-linter cannot say: a part of Django that some rooms must not see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent
VERBS = [
    "contacts/identity",
    "contacts/activity",
    "contacts/imports",
    "contacts/subscribing",
    "contacts/webhooks",
    "segments/membership.py",
]
FORBIDDEN = ("django.http", "django.views", "django.contrib.admin", "django.shortcuts")


def sources(place: Path) -> Iterator[Path]:
    yield from [place] if place.is_file() else sorted(place.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", VERBS)
def test_a_room_that_owns_a_verb_sees_no_request(room):
    seen = {(str(file.relative_to(PROJECT)), name) for file in sources(PROJECT / room) for name in imports(file)}

    assert not {entry for entry in seen if entry[1].startswith(FORBIDDEN)}


@pytest.mark.parametrize("room", ["crm", "contacts", "segments"])
def test_every_package_says_what_it_is_for(room):
    packages = [file for file in (PROJECT / room).rglob("__init__.py") if "migrations" not in file.parts]

    assert [file for file in packages if not ast.get_docstring(ast.parse(file.read_text()))] == []
