"""The pages of an import: upload, map, preview, run, and what can be done afterwards.

Pages translate, and decide nothing: every verb is one of ``contacts.imports.flow``. Who may look at imports sees them;
who may add imports uploads, starts, stops and takes them back.
"""

from contacts.admin.imports.admin import ImportAdmin

__all__ = ["ImportAdmin"]
