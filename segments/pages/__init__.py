"""The back office's pages about one segment: its members as a list, why somebody is in it, who is put in by hand.

A door for people beside ``segments.admin``. A page reads a form, calls one verb of the rooms below and shows what came
of it; it decides nothing and writes nothing itself.
"""

from segments.pages import dashboard
from segments.pages.urls import urls_of

__all__ = ["dashboard", "urls_of"]
