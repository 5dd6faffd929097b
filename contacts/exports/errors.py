"""What exports refuse."""

from crm.errors import CardfileError

__all__ = ["ExportsOnly"]


class ExportsOnly(CardfileError):
    """This resource writes files, never contacts. Use the import of the back office, the command or the API."""

    code = "exports_only"
