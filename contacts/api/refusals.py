"""What resolution refuses, told in the words of the wire: the path in the body, the contact that stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ErrorDetail, ValidationError

from contacts.identity.errors import ContactNotFound, ExternalIdTaken, InvalidRecord
from contacts.records import Problem
from contacts.wire import WireContact
from crm.errors import CardfileError

__all__ = ["check_readable", "no_such_contact", "refused_conditions", "told_on_the_wire"]


@contextmanager
def told_on_the_wire(wire: WireContact) -> Iterator[None]:
    """Errors of a verb that was called with ``wire.record`` name what the client sent."""
    try:
        yield
    except InvalidRecord as error:
        problems = error.problems or [Problem(error.path, error.code, error.message)]
        raise refused(wire.located(problems)) from error
    except ExternalIdTaken as error:
        message = _("Contact {id} has this external ID. Write to that contact, or merge the two.")
        path = wire.path_of("external_id")
        raise ExternalIdTaken(message.format(id=error.other_id), path=path, other_id=error.other_id) from error
    except ContactNotFound as error:
        raise no_such_contact("id", wire.record.get("id")) from error
    except CardfileError as error:
        error.path = wire.path_of(error.path)
        raise


def check_readable(wire: WireContact) -> None:
    if wire.problems:
        raise refused(wire.problems)


def refused(problems: Iterable[Problem]) -> ValidationError:
    entries: dict[str, list[ErrorDetail]] = {}
    for path, code, message in problems:
        entries.setdefault(path, []).append(ErrorDetail(message, code))
    return ValidationError(entries)


def refused_conditions(errors: Mapping[str, Any], conditions: Mapping[str, str]) -> ValidationError:
    """What a list cannot be narrowed by; ``conditions`` are the parameters' names, and those of the filter for them."""
    names = {column: name for name, column in conditions.items()}
    entries: dict[str, Any] = {
        names.get(column, column): [ErrorDetail(text, "invalid_value") for text in texts]
        for column, texts in errors.items()
    }
    return ValidationError(entries)


def no_such_contact(name: str, value: object) -> ContactNotFound:
    """Clients look for the words “not found”, so these are not translated."""
    return ContactNotFound(f"Contact with {name}='{value}' not found. Check it, or create the contact first.")
