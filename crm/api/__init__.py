"""What every door for servers shares: keys, scopes, errors as JSON, parsing and rendering.

No address of a resource lives here; those are in the rooms' own ``api`` packages. Nothing here knows what a contact is.
"""

__all__: list[str] = []
