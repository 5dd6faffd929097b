"""The doors for servers to segments: which there are, who is in one, putting contacts into a list or taking them out.

A view authenticates, parses, calls one verb of ``segments.membership`` and presents what came of it. Contacts are shown
as ``contacts.api`` shows them. It decides nothing, and writes nothing itself.
"""

__all__: list[str] = []
