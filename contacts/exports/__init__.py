"""Contacts leave as files: what a column looks like, and the formats. Nothing here writes a contact or sees a request.

django-import-export brings the formats and the shape of a resource; the columns are those of ``contacts.columns``.
"""

from contacts.exports.errors import ExportsOnly
from contacts.exports.files import FORMATS, ExportFile, write_contacts
from contacts.exports.resource import ContactResource

__all__ = ["FORMATS", "ContactResource", "ExportFile", "ExportsOnly", "write_contacts"]
