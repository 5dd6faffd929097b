"""What a confirmation link may be told."""

from crm.errors import CardfileError

__all__ = ["LinkExpired", "LinkInvalid"]


class LinkInvalid(CardfileError):
    """This link is not complete. Open it from the mail again, or copy all of it."""

    code = "link_invalid"


class LinkExpired(CardfileError):
    """This link is too old. Subscribe again to get a new one."""

    code = "link_expired"
