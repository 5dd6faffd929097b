"""A page as people see it: without barriers, no wider than a phone, and in pictures where they are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from tests.barriers import find_in_both_themes

__all__ = ["look", "take"]

INTO = os.environ.get("PICTURES_INTO", "")
ALL = os.environ.get("PICTURES") == "all"
WHERE: Final = "#content-main, #content"
BELOW: Final = 120
"""Pixels that the bar at a form's end takes."""
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def look(page: Any, name: str, *, kept: str = "") -> None:
    """Axe finds nothing in light and in dark, and nothing stands out of a phone.

    With ``PICTURES_INTO`` a picture is taken of what is ``kept``: "page", "window", or the one thing that a selector
    finds, in light; with ``PICTURES=all`` of every page, in every way.
    """
    page.mouse.move(0, 0)  # a button under it is paler
    barriers = find_in_both_themes(page, WHERE)
    assert not barriers, barriers
    take(page, name, kept=kept)
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.set_viewport_size(WIDE)


def take(page: Any, name: str, *, kept: str = "") -> None:
    """The pictures of a page, where they are asked for (see ``look``)."""
    if INTO and kept:
        shoot(page, name, kept)
    if INTO and ALL:
        show_dark(page, True)
        shoot(page, f"{name}-dark", "page")
        show_dark(page, False)
        page.set_viewport_size(NARROW)
        shoot(page, f"{name}-narrow", "page")
        page.set_viewport_size(WIDE)


def show_dark(page: Any, is_dark: bool) -> None:
    """The back office has a class for it; pages for everybody follow the system."""
    page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", is_dark)
    page.emulate_media(color_scheme="dark" if is_dark else "light")


def shoot(page: Any, name: str, what: str) -> None:
    """A page is taken in a window that it fits into: what stands at the window's end would cover its middle."""
    page.evaluate("document.activeElement.blur()")
    window = page.viewport_size
    if what != "window":
        end = page.evaluate("document.querySelector('#content, main').getBoundingClientRect().bottom + window.scrollY")
        page.set_viewport_size({**window, "height": max(int(end) + BELOW, window["height"])})
    page.wait_for_timeout(1_500)  # bars beside what scrolls are gone by then
    taken = page.locator(what) if what not in ("page", "window") else page
    taken.screenshot(path=Path(INTO) / f"{name}.png")
    page.set_viewport_size(window)
