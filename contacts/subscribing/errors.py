"""What subscribing refuses: links, and answers of a form."""

from crm.errors import CardfileError

__all__ = ["AddressGone", "AnswerRefused", "FormClosed", "FormUnknown", "LinkExpired", "LinkInvalid", "TooManyForms"]


class LinkInvalid(CardfileError):
    """This link is not complete. Open it from the mail again, or copy all of it."""

    code = "link_invalid"


class LinkExpired(CardfileError):
    """This link is too old. Subscribe again to get a new one."""

    code = "link_expired"


class AnswerRefused(CardfileError):
    """This cannot be read. Correct it and send the form again."""

    code = "answer_refused"


class FormUnknown(CardfileError):
    """There is no such form. Look for the address again where you found it."""

    code = "form_unknown"


class FormClosed(CardfileError):
    """This form is closed. Look on our website for another way to subscribe."""

    code = "form_closed"


class TooManyForms(CardfileError):
    """This form was sent too often from where you are. Wait a minute and send it again."""

    code = "too_many_forms"


class AddressGone(CardfileError):
    """We have this address no more, so no mail goes there. You can close this page."""

    code = "address_gone"
