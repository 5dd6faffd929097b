"""The wiring: settings, urls, the database server, the queue, keys, errors and the admin site.

No domain words live here. The rooms (contacts, segments) import this package; it never imports them.
"""

from typing import Final

__all__ = ["VERSION"]

VERSION: Final = "0.1.0"
"""As ``pyproject.toml`` has it; a test compares them."""
