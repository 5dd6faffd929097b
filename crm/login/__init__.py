"""Coming in: names and passwords, lock-out, the second factor, sessions, invitations, and the pages for all of it.

What a role may do once it is in is said in ``crm.roles``; each view asks for its permission itself. Nothing here knows
what a contact is.
"""

__all__: list[str] = []
