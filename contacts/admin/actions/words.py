"""What the pages of bulk actions say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from contacts import populations
from contacts.actions import Progress
from contacts.admin.quantities import Tile, say_duration, say_number
from contacts.admin.wording import SYSTEM_LABELS, word
from contacts.columns import CUSTOM_PREFIX
from contacts.identity.settings import current_settings
from contacts.models import ActionStatus, ActionVerb, ContactAction

__all__ = [
    "COUNTED_UP_TO",
    "EXPLAINED",
    "Count",
    "list_tiles",
    "say_contacts",
    "say_count",
    "say_done",
    "say_label",
    "say_progress",
    "say_what",
]

COUNTED_UP_TO: Final = 10_000
"""So far contacts are counted before an action; further on the number would take longer than it is worth."""

Count = int | None
"""How many there are, one more than ``COUNTED_UP_TO`` for more, None where even that took too long."""

EXPLAINED: Final[dict[str, tuple[Any, ...]]] = {
    ActionVerb.JOIN: (
        gettext_lazy("Who is in the segment already stays as it is."),
        gettext_lazy("Deleted contacts are left out and listed."),
    ),
    ActionVerb.LEAVE: (gettext_lazy("Who is not in the segment stays as it is."),),
    ActionVerb.EDIT: (
        gettext_lazy("Each contact gets the value, with an entry in its history."),
        gettext_lazy("Deleted contacts are left out and listed."),
    ),
    ActionVerb.UNSUBSCRIBE: (
        gettext_lazy("They get no more messages on this channel, until somebody subscribes them again."),
        gettext_lazy("The state belongs to the address: whoever else has the same one is unsubscribed too."),
        gettext_lazy("Contacts without such an address are left out and listed."),
    ),
    ActionVerb.DELETE: (
        gettext_lazy("They leave every list, segment and export."),
        gettext_lazy("They are kept: restore them one by one, or take the whole action back."),
    ),
    ActionVerb.RESTORE: (
        gettext_lazy("They are on the list again, with everything they had."),
        gettext_lazy("Who is not deleted stays as it is."),
    ),
}
"""What will happen, line by line."""

DONE: Final[dict[str, Any]] = {
    ActionVerb.JOIN: ngettext_lazy("%(count)s contact is new in it.", "%(count)s contacts are new in it.", "number"),
    ActionVerb.LEAVE: ngettext_lazy("%(count)s contact was taken out.", "%(count)s contacts were taken out.", "number"),
    ActionVerb.EDIT: ngettext_lazy("%(count)s contact was changed.", "%(count)s contacts were changed.", "number"),
    ActionVerb.UNSUBSCRIBE: ngettext_lazy(
        "%(count)s contact was unsubscribed.", "%(count)s contacts were unsubscribed.", "number"
    ),
    ActionVerb.DELETE: ngettext_lazy("%(count)s contact was deleted.", "%(count)s contacts were deleted.", "number"),
    ActionVerb.RESTORE: ngettext_lazy("%(count)s contact was restored.", "%(count)s contacts were restored.", "number"),
}

OUTCOMES: Final[dict[str, Any]] = {
    "changed": gettext_lazy("Done"),
    "unchanged": gettext_lazy("Were so already"),
    "refused": gettext_lazy("Left out"),
}
UNDO_OUTCOMES: Final[dict[str, Any]] = {
    "changed": gettext_lazy("Taken back"),
    "unchanged": gettext_lazy("Nothing to take back"),
    "refused": gettext_lazy("Left as they are"),
}
CHANNELS: Final[dict[str, Any]] = {"email": gettext_lazy("email"), "phone": gettext_lazy("phone")}


def say_contacts(number: int) -> str:
    return ngettext("%(count)s contact", "%(count)s contacts", number) % {"count": say_number(number)}


def say_count(count: Count) -> str:
    """How many are meant, as far as it was counted."""
    if count is None:
        return _("so many contacts that counting them takes long")
    if count > COUNTED_UP_TO:
        return _("more than {contacts}").format(contacts=say_contacts(COUNTED_UP_TO))
    return say_contacts(count)


def say_label(key: str) -> str:
    """A column as people call it."""
    if key.startswith(CUSTOM_PREFIX):
        column = current_settings().schema.columns.get(key)
        return column.label if column else key.removeprefix(CUSTOM_PREFIX)
    return word(SYSTEM_LABELS, key)


def say_what(action: ContactAction, segments: Mapping[int, str] | None = None) -> str:
    """What is done, with its choices. ``segments`` are names that were read already."""
    choices, verb = action.choices, ActionVerb(action.verb)
    match verb:
        case ActionVerb.JOIN | ActionVerb.LEAVE:
            number = choices["population"]
            names = populations.current().names([number]) if segments is None else segments
            return f"{verb.label}: {names.get(number, number)}"
        case ActionVerb.EDIT:
            return f"{verb.label}: {say_label(choices['column'])} → {say_value(choices['value'])}"
        case ActionVerb.UNSUBSCRIBE:
            return f"{verb.label}: {word(CHANNELS, choices['channel'])}"
        case _:
            return str(verb.label)


def say_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or _("empty")
    return {"true": _("Yes"), "false": _("No")}.get(str(value), str(value)) or _("empty")


def say_done(action: ContactAction) -> str:
    """What came of it, in a sentence or two."""
    changed, unchanged, refused = (action.counts.get(name, 0) for name in ("changed", "unchanged", "refused"))
    text = str(DONE[action.verb] % {"number": changed, "count": say_number(changed)})
    if unchanged:
        text += " " + _("{count} were so already.").format(count=say_number(unchanged))
    if refused:
        text += " " + _("{count} were left out.").format(count=say_number(refused))
    return text


def list_tiles(counts: Mapping[str, int], *, of_undo: bool = False) -> list[Tile]:
    labels = UNDO_OUTCOMES if of_undo else OUTCOMES
    return [
        Tile(("undo_" if of_undo else "") + name, str(label), say_number(counts.get(name, 0)), not counts.get(name))
        for name, label in labels.items()
    ]


def say_progress(action: ContactAction, view: Progress) -> str:
    """One line: how many of how many, how fast, how long still."""
    if action.wish:
        return {"pause": _("Pausing after these contacts…"), "cancel": _("Stopping after these contacts…")}[action.wish]
    if view.total is None:
        is_waiting = action.status == ActionStatus.QUEUED and action.taken_up_at is None
        return _("Waiting for the worker…") if is_waiting else _("Finding the contacts…")
    parts = [_("{done} of {total}").format(done=say_number(view.done), total=say_contacts(view.total))]
    if view.per_second:
        parts.append(_("{count} a second").format(count=say_number(view.per_second)))
    if view.seconds_left is not None:
        parts.append(_("{time} left").format(time=say_duration(view.seconds_left)))
    return " · ".join(parts)
