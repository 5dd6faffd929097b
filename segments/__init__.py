"""Segments: who belongs to which group of contacts, and why.

This room owns the condition language (``segments.conditions``), the segments themselves (``segments.catalogue``) and
who is in them (``segments.membership``). It reads contacts and never writes them. Contacts know nothing of it: what
they need goes through ``contacts.populations``, which ``segments.port`` fills.
"""

__all__: list[str] = []
