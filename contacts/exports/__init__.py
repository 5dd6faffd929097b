"""Contacts leave as files: what a column looks like, and the formats. Nothing here writes a contact or sees a request.

django-import-export brings the shape of a resource; the columns are those of ``contacts.columns``; files are streamed.
"""

from contacts.exports.errors import ExportsOnly
from contacts.exports.files import ExportFile, write_contacts
from contacts.exports.formats import FORMATS, PACKINGS
from contacts.exports.resource import ContactResource

__all__ = ["FORMATS", "PACKINGS", "ContactResource", "ExportFile", "ExportsOnly", "write_contacts"]
