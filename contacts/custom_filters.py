"""Lists narrowed by custom fields, each by its type.

``fields.tier=gold`` asks for a value, ``fields.visits_from=5`` and ``fields.visits_to=9`` for numbers and days. What
is asked becomes a jsonpath: it never fails, and a value of another shape than the field's type matches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.db.models import QuerySet

from contacts.columns import CUSTOM_PREFIX
from contacts.finding.sql import Holds
from contacts.models import Contact, CustomField, FieldType
from crm.errors import CardfileError

__all__ = ["BOUNDS", "RANGED", "UnknownCondition", "narrow_by_field", "read_name"]

BOUNDS: Final = {"_from": ">=", "_to": "<="}
RANGED: Final = frozenset({FieldType.NUMBER, FieldType.DECIMAL, FieldType.DATE, FieldType.DATETIME})
"""Types that are asked for from one value to another; all others are asked for a value."""
YES_OR_NO: Final = {"yes": True, "no": False}


class UnknownCondition(CardfileError):
    """There is no such filter, or its field is gone. Take it out."""

    code = "unknown_condition"


def narrow_by_field(contacts: QuerySet[Contact], name: str, values: list[str]) -> QuerySet[Contact]:
    """By ``fields.<key>``, or one end of it; raises ``UnknownCondition`` where no field is called so."""
    field, sign = read_name(name)
    paths = [path for value in values if (path := write_path(field, sign, value))]
    if not paths:
        return contacts.none()
    return contacts.filter(Holds("{0} @@ %s::jsonpath", "attributes", params=(" || ".join(paths),)))


def read_name(name: str) -> tuple[CustomField, str]:
    """The field, and the sign by which its values are compared."""
    key = name.removeprefix(CUSTOM_PREFIX)
    wanted = {key: "==", **{key.removesuffix(end): sign for end, sign in BOUNDS.items() if key.endswith(end)}}
    for field in sorted(CustomField.objects.filter(key__in=wanted), key=lambda field: -len(field.key)):
        if (wanted[field.key] == "==") is not (field.type in RANGED):
            return field, wanted[field.key]
    raise UnknownCondition(path=name)


def write_path(field: CustomField, sign: str, text: str) -> str:
    """The jsonpath that a value of this field must match; empty where the text can be no value of it."""
    place = f"$.{json.dumps(field.key)}"
    if field.type in (FieldType.TEXT, FieldType.LONG_TEXT):
        return f'({place} like_regex {json.dumps(text)} flag "qi")'
    try:
        literal = json.dumps(READERS[FieldType(field.type)](field, text, sign))
    except (KeyError, ValueError, InvalidOperation):
        return ""
    return f"({place} {sign} {literal})"


def read_option(field: CustomField, text: str, sign: str) -> str:
    return {option: option for option in field.options}[text]


def read_yes_or_no(field: CustomField, text: str, sign: str) -> bool:
    return YES_OR_NO[text]


def read_amount(field: CustomField, text: str, sign: str) -> float | int:
    number = Decimal(text.strip().replace(",", "."))
    if not number.is_finite() or abs(number) > 10**18:
        raise ValueError(text)
    return int(number) if number == number.to_integral_value() else float(number)


def read_date(field: CustomField, text: str, sign: str) -> str:
    return date.fromisoformat(text).isoformat()


def read_moment(field: CustomField, text: str, sign: str) -> str:
    """Moments are kept in UTC, written so that they sort as text."""
    end = "T00:00:00.000000Z" if sign == ">=" else "T23:59:59.999999Z"
    return date.fromisoformat(text).isoformat() + end


READERS: Final[Mapping[FieldType, Callable[[CustomField, str, str], Any]]] = {
    FieldType.NUMBER: read_amount,
    FieldType.DECIMAL: read_amount,
    FieldType.BOOLEAN: read_yes_or_no,
    FieldType.DATE: read_date,
    FieldType.DATETIME: read_moment,
    FieldType.CHOICE: read_option,
    FieldType.CHOICES: read_option,
}
