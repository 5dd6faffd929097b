"""Pages for the people whom the contacts are: no login, no script, no cookie.

A page reads its link, calls one verb and shows what came of it.
"""

__all__: list[str] = []
