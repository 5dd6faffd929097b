"""The wiring: settings, urls, the database server, the queue, keys, errors and the admin site.

No domain words live here. The rooms (contacts, segments) import this package; it never imports them.
"""

__all__: list[str] = []
