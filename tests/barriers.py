"""What axe finds on a page that a browser shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

AXE = Path(__file__).parents[1] / ".venv/node_modules/axe-core/axe.min.js"


def find_barriers(page: Any, where: str = "#content-main") -> list[str]:
    """A line each; nothing is asked where axe is not installed."""
    if not AXE.exists():
        return []
    page.evaluate(AXE.read_text())
    found = page.evaluate("where => axe.run(where)", where)
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def find_in_both_themes(page: Any, where: str = "#content-main") -> list[str]:
    """The same, in light and in dark."""
    found = []
    for is_dark in (False, True):
        page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", is_dark)
        found += find_barriers(page, where)
    page.evaluate("document.documentElement.classList.remove('dark')")
    return found
