"""Between a subscription form on the wire and what subscribing takes (pure); the same for lists of emails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contacts.api.translate import FieldKeys, read_contact
from contacts.normalize import InvalidValue, clean_email
from contacts.records import Problem
from contacts.wire import WireContact, is_empty, trouble_of

__all__ = ["WireEmails", "WireSubscription", "read_emails", "read_subscription"]

LONGEST_GROUP: Final = 200
LONGEST_CATEGORY: Final = 50
LONGEST_FORM_TYPE: Final = 77
MOST_OF_A_LIST: Final = 100
NOT_IN_FORM_TYPE: Final = frozenset("<>;’\\/|\"`'^?!,")
NOT_TEXT: Final = ("not_text", "Write this value as text.")


@dataclass(slots=True)
class WireSubscription:
    """A form as it was read; the problems of all its parts stand with the contact's."""

    wire: WireContact
    groups: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    form_type: str = ""


@dataclass(slots=True)
class WireEmails:
    """Addresses, and those texts that are none."""

    emails: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_subscription(body: Any, field_keys: FieldKeys) -> WireSubscription:
    if not isinstance(body, Mapping) or is_empty(body.get("contact")):
        wire = WireContact()
        wire.refuse("contact", "required", "Send whom to subscribe, as an object: contact.")
        return WireSubscription(wire)
    wire = nested(read_contact(body["contact"], field_keys), "contact")
    return WireSubscription(
        wire,
        groups=list(read_texts(wire, "groups", body.get("groups"), longest=LONGEST_GROUP)),
        categories=list(read_texts(wire, "subscriptions", body.get("subscriptions"), longest=LONGEST_CATEGORY)),
        form_type=read_form_type(wire, body.get("formType")),
    )


def nested(wire: WireContact, name: str) -> WireContact:
    """What was read of a part of a body, with the paths that it has in the whole."""
    wire.paths = {column: f"{name}.{path}" for column, path in wire.paths.items()}
    wire.problems = [
        problem._replace(column=f"{name}.{problem.column}" if problem.column else name) for problem in wire.problems
    ]
    return wire


def read_texts(wire: WireContact, name: str, given: Any, *, longest: int) -> dict[str, None]:
    """A list of names, each once; one name counts as a list of one."""
    items = [] if is_empty(given) else given if isinstance(given, list) else [given]
    if len(items) > MOST_OF_A_LIST:
        wire.refuse(name, "too_many_values", f"Send at most {MOST_OF_A_LIST} at a time.")
        return {}
    texts: dict[str, None] = {}
    for position, item in enumerate(items):
        if not is_empty(item):
            texts[read_text(wire, f"{name}[{position}]", item, longest=longest)] = None
    return texts


def read_text(wire: WireContact, path: str, given: Any, *, longest: int) -> str:
    """Empty where it is refused."""
    trouble = NOT_TEXT if isinstance(given, bool) else trouble_of(given)
    text = str(given).strip()
    if trouble is None and len(text) > longest:
        trouble = "too_long", f"The value has at most {longest} characters, this one {len(text)}."
    if trouble is not None:
        wire.refuse(path, *trouble)
    return "" if trouble else text


def read_form_type(wire: WireContact, given: Any) -> str:
    if is_empty(given):
        return ""
    text = read_text(wire, "formType", given, longest=LONGEST_FORM_TYPE)
    if found := sorted(NOT_IN_FORM_TYPE & set(text)):
        wire.refuse("formType", "invalid_character", f"Leave out: {' '.join(found)}.")
    return text


# Lists of emails


def read_emails(body: Any) -> WireEmails:
    """What is no text is refused; a text that is no address keeps the others from nothing. A bare list counts too."""
    given = body.get("emails") if isinstance(body, Mapping) else body
    if given is None or not isinstance(given, str | list):
        return WireEmails(problems=[Problem("emails", "required", "Send the addresses as a list: emails.")])
    items = given if isinstance(given, list) else [given]
    strange = [Problem(f"emails[{n}]", *NOT_TEXT) for n, item in enumerate(items) if not is_text(item)]
    if strange:
        return WireEmails(problems=strange)
    return sort_emails(str(item).strip() for item in items if not is_empty(item))


def is_text(item: Any) -> bool:
    return item is None or (isinstance(item, str | int | float) and not isinstance(item, bool))


def sort_emails(texts: Iterable[str]) -> WireEmails:
    read = WireEmails()
    for text in dict.fromkeys(texts):
        (read.emails if is_email(text) else read.unreadable).append(text)
    return read


def is_email(text: str) -> bool:
    try:
        return bool(clean_email(text))
    except InvalidValue:
        return False


def show_unreadable(texts: Iterable[str]) -> Iterator[dict[str, str]]:
    for text in texts:
        yield {"email": text[:320], "error": "This is not an email address; write it as name@example.com."}
