"""Writing what an app sends: what is odd in one field is left out and told, the rest is written.

An app that is refused drops its record for good, and nobody sees it: a wrong phone number shall not cost the token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from contacts.identity import Outcome, Plan, resolve
from contacts.identity.errors import error_of
from contacts.records import Problem
from contacts.wire import WireContact

__all__ = ["put_identifiers", "write_leniently"]

MOST_TRIES: Final = 4
CONFLICT: Final = "external_id_conflict"
TOLD: Final = frozenset({"junk_value", "second_value_ignored", "external_id_ignored"})
"""Warnings about the record itself. Others tell of other contacts, which is nothing for whoever holds the phone."""
PATHS: Final = {"device": "deviceId", "mobile_push": "pushToken", "advertising": "advertisingId"}
IDENTIFIER: Final = re.compile(r"identifiers\[(\d+)\]")


def write_leniently(
    wire: WireContact, plan: Plan, *, by: str, within: Callable[[Sequence[Outcome]], None] | None = None
) -> Outcome:
    """Resolve ``wire.record``; what cannot be written is taken out of it and told among ``wire.problems``.

    ``within`` is called with the outcome in the transaction. Raises ``IdentifierMissing`` where nothing is left that
    names anybody, and ``WriteConflict``.
    """
    for _ in range(MOST_TRIES):
        [outcome] = resolve([wire.record], plan, by=by, within=within)
        odd = list(_find_odd(outcome, wire.record))
        if not odd:
            break
        wire.problems += wire.located(odd)
        _leave_out(wire, [problem.column for problem in odd])
    if (error := error_of(outcome)) is not None:
        raise error
    wire.problems += wire.located(warning for warning in outcome.warnings if warning.code in TOLD)
    return outcome


def _find_odd(outcome: Outcome, record: dict[str, Any]) -> Iterable[Problem]:
    yield from outcome.problems
    if outcome.code == CONFLICT:  # by policy; the case was opened, and the device goes on without the address
        for column in ("email", "phone"):
            if column in record:
                yield Problem(column, CONFLICT, outcome.message)


def put_identifiers(wire: WireContact, identifiers: Sequence[dict[str, Any]]) -> None:
    """Each is told under the property that apps send it in."""
    wire.record["identifiers"] = list(identifiers)
    for number, identifier in enumerate(identifiers):
        wire.paths[f"identifiers[{number}]"] = PATHS.get(identifier["kind"], "")
        wire.paths[f"identifiers[{number}].value"] = PATHS.get(identifier["kind"], "")


def _leave_out(wire: WireContact, columns: Iterable[str]) -> None:
    numbers = set()
    for column in columns:
        if found := IDENTIFIER.match(column):
            numbers.add(int(found[1]))
        wire.record.pop(column, None)
    if numbers:
        put_identifiers(wire, [each for n, each in enumerate(wire.record["identifiers"]) if n not in numbers])
