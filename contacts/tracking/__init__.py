"""Doors for browsers and apps: what a site's script and a company's own app tell of people we may not know yet.

Whoever holds a phone can read what its app sends, so the keys here let in events and a person's own data, nothing else.
They translate, and hand over to ``contacts.identity`` and ``contacts.activity``; they know nothing of the server's API.
"""
