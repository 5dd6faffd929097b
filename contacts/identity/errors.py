"""What resolution refuses, as errors: doors that speak of one contact raise them, batches report them by outcome."""

from __future__ import annotations

from contacts.identity.types import Outcome, Status
from crm.errors import CardfileError

__all__ = [
    "AddressBlacklisted",
    "ChangeNotFound",
    "ContactNotFound",
    "DeleteInstead",
    "ExternalIdConflict",
    "ExternalIdTaken",
    "IdentifierCollides",
    "IdentifierMissing",
    "IdentifierNotHeld",
    "IdentifierStays",
    "InvalidRecord",
    "MergeInstead",
    "MergeRefused",
    "MoveRefused",
    "NothingToConfirm",
    "NothingToTakeBack",
    "PersonOnly",
    "RecordSkipped",
    "SuppressionRefused",
    "TakeBackRefused",
    "UndoLaterMergeFirst",
    "WriteConflict",
    "error_of",
]


class ContactNotFound(CardfileError):
    """There is no such contact. Check the id, or create it first."""

    code = "contact_not_found"


class ExternalIdTaken(CardfileError):
    """Another contact has this external ID. Open that contact, or merge the two."""

    code = "external_id_taken"


class ExternalIdConflict(CardfileError):
    """The policy does not attach an external ID to a contact found by email or phone. A case was opened."""

    code = "external_id_conflict"


class IdentifierMissing(CardfileError):
    """The record names nobody. Send an external ID, an email, a phone or another identifier."""

    code = "identifier_missing"


class InvalidRecord(CardfileError):
    """Some values cannot be read. Each is listed with its field."""

    code = "invalid_record"


class RecordSkipped(CardfileError):
    """The record was skipped."""

    code = "skipped"


class MergeRefused(CardfileError):
    """These two contacts cannot be merged."""

    code = "merge_refused"


class UndoLaterMergeFirst(CardfileError):
    """The survivor of this merge was merged later. Undo the later merge first."""

    code = "undo_later_merge_first"


class IdentifierNotHeld(CardfileError):
    """The contact does not have this identifier, or not any more. Open the contact again."""

    code = "identifier_not_held"


class IdentifierStays(CardfileError):
    """This identifier cannot be taken off the contact."""

    code = "identifier_stays"


class PersonOnly(CardfileError):
    """Only a person may do this. Sign in to the back office."""

    code = "person_only"


class MoveRefused(CardfileError):
    """The identifier cannot be moved to this contact."""

    code = "move_refused"


class IdentifierCollides(MoveRefused):
    """The other contact has a value of this kind already. Detach that one first, or merge the two."""

    code = "identifier_collides"


class ChangeNotFound(CardfileError):
    """This contact has no such change. Open its history again."""

    code = "change_not_found"


class NothingToTakeBack(CardfileError):
    """Nothing of this change is left to take back: everything is as it was before."""

    code = "nothing_to_take_back"


class TakeBackRefused(CardfileError):
    """This change cannot be taken back."""

    code = "take_back_refused"


class DeleteInstead(TakeBackRefused):
    """This change made the contact. Delete the contact to take it back."""

    code = "delete_instead"


class MergeInstead(TakeBackRefused):
    """This change took a merge back. Merge the two contacts again."""

    code = "merge_instead"


class SuppressionRefused(CardfileError):
    """This state cannot be set on an address."""

    code = "suppression_refused"


class NothingToConfirm(CardfileError):
    """This contact has another email by now, or is gone. Subscribe again to get a new link."""

    code = "nothing_to_confirm"


class AddressBlacklisted(CardfileError):
    """This address was blocked. Write to us if it should not be."""

    code = "address_blacklisted"


class WriteConflict(CardfileError):
    """Others kept changing the same contacts. Nothing was written; send the record again."""

    code = "write_conflict"


_BY_CODE: dict[str, type[CardfileError]] = {
    "contact_not_found": ContactNotFound,
    "external_id_taken": ExternalIdTaken,
    "external_id_conflict": ExternalIdConflict,
    "identifier_missing": IdentifierMissing,
    "write_conflict": WriteConflict,
}


def error_of(outcome: Outcome) -> CardfileError | None:
    """The error that a failed or skipped outcome means to a caller with one record; None for all others.

    Its attributes: ``problems``, ``contact_id``, ``other_id`` (who stands in the way) and ``outcome``.
    """
    if outcome.status not in (Status.FAILED, Status.SKIPPED):
        return None
    default = RecordSkipped if outcome.status == Status.SKIPPED else InvalidRecord
    kind = default if outcome.problems else _BY_CODE.get(outcome.code, default)
    error = kind(
        outcome.message,
        path=outcome.column,
        problems=outcome.problems,
        contact_id=outcome.contact_id,
        other_id=outcome.other_id,
        outcome=outcome,
    )
    if kind is RecordSkipped:
        error.code = outcome.code  # type: ignore[misc]
    return error
