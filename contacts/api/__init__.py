"""The doors for servers: a contact is written, read and deleted in the wire form that integrators already speak.

A view authenticates, parses, calls one verb of ``contacts.identity`` and presents what came of it. It decides nothing
about contacts, opens no transaction, and the wire form is known nowhere else.
"""

__all__: list[str] = []
