"""The one root of everything Cardfile refuses.

Each subclass has a stable ``code``; its docstring is its default message, written for the person who has to act on it;
ids, row and path travel as attributes. Where an error becomes HTTP or a sentence in the admin is decided elsewhere,
once each (``crm.api.errors``, ``crm.admin``).
"""

import inspect
from typing import Any, ClassVar

__all__ = ["CardfileError", "Refused"]


class CardfileError(Exception):
    """Something went wrong. Try again, and tell the administrator if it stays."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, path: str = "", **attributes: Any) -> None:
        self.message = message or self.default_message()
        self.path = path
        self.attributes = attributes
        super().__init__(self.message)

    def __getattr__(self, name: str) -> Any:
        """Attributes given to the constructor read as attributes: ``error.contact_id``."""
        attributes = self.__dict__.get("attributes", {})
        if name in attributes:
            return attributes[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    @classmethod
    def default_message(cls) -> str:
        return inspect.cleandoc(cls.__doc__ or "")


class Refused(CardfileError):
    """Several things were refused. Each is listed with its path."""

    code = "refused"

    def __init__(self, errors: list[CardfileError], message: str = "") -> None:
        super().__init__(message)
        self.errors = errors
