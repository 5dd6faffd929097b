"""What the page says, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

__all__ = ["WORDS", "say_words"]

WORDS: Final[Mapping[str, str | Promise]] = {
    # The frame
    "undo": _("Undo"),
    "redo": _("Redo"),
    "undone": _("Undone."),
    "redone": _("Done again."),
    "keys": _("Keyboard"),
    "time_zone": _("Whose days count"),
    "zone_account": _("Days of the account ({zone})"),
    "zone_contact": _("Days of each contact’s own time zone"),
    "as_json": _("As JSON"),
    "not_json": _("This JSON cannot be read. Check its brackets, commas and quotes."),
    "static_note": _(
        "A static segment has no conditions. Contacts are added by hand, by an import or through the API."
    ),
    "matching": _("Who is in"),
    "excluding": _("But not"),
    "add_exclude": _("Leave some out"),
    "remove_exclude": _("Remove this exclusion"),
    # Groups
    "combine": _("How the conditions are joined"),
    "combine_all": _("All of these hold"),
    "combine_any": _("Any of these holds"),
    "combine_none": _("None of these holds"),
    "joint_all": _("and"),
    "joint_any": _("or"),
    "joint_none": _("nor"),
    "add_condition": _("Condition"),
    "add_group": _("Group"),
    "group_named": _("group “{name}”"),
    # Conditions
    "condition_named": _("condition “{name}”"),
    "new_condition": _("new"),
    "field": _("Field"),
    "choose_field": _("Choose a field"),
    "choose_field_first": _("Choose a field."),
    "fill_in": _("Give a value."),
    "operator": _("Operator"),
    "value": _("Value"),
    "value_of": _("Value of {what}"),
    "choose": _("Choose"),
    "from": _("from"),
    "to": _("to"),
    "and": _("and"),
    "days": _("days"),
    "unit": _("unit"),
    "draw": _("Name of the draw"),
    "draw_short": _("draw"),
    "draw_help": _("The same name draws the same contacts, another name others."),
    "add_values": _("Type or paste values"),
    "remove_value": _("Remove “{value}”"),
    "more_values": _("and {count} more"),
    "edit_as_list": _("Edit as a list"),
    "a_value_a_line": _("One value a line."),
    "take_list": _("Take this list"),
    # Rows
    "type": _("Which"),
    "any_type": _("any"),
    "type_retired": _("{type} (not for new conditions)"),
    "rows_did": _("at least one"),
    "rows_did_not": _("none"),
    "type_text": _("As text"),
    "type_number": _("As a number"),
    "type_date": _("As a date"),
    "type_boolean": _("As yes or no"),
    "help": _("What this means"),
    "when_not_set": _("It holds where “{what}” is not set, too."),
    "measure": _("What is asked"),
    "of": _("Of what"),
    "choose_of": _("Choose what"),
    "period": _("Period"),
    "when": _("when"),
    "where": _("where"),
    "add_period": _("Period"),
    "remove_period": _("Remove the period"),
    "add_where": _("Details"),
    "remove_where": _("Remove the details"),
    # What can be done with each
    "not": _("not"),
    "negate": _("Turn it round"),
    "negate_this": _("Not: turn round {what}"),
    "move": _("Drag to move, or use the keyboard"),
    "place": _("Now {place} of {count} in {group}."),
    "move_this": _("Move {what}"),
    "copy_this": _("Copy {what}"),
    "wrap_this": _("Put {what} into a group"),
    "unwrap_this": _("Dissolve {what}"),
    "remove_this": _("Remove {what}"),
    # Lists
    "search": _("Search: {what}"),
    "search_short": _("Search…"),
    "nothing_found": _("Nothing is called so. Try another word."),
    # The keyboard
    "keys_help": _(
        "Every condition and group has a handle, the dots before it. With the focus on a handle, these keys act on"
        " what it belongs to; Tab goes through everything."
    ),
    "keys_walk": _("to the handle before, after"),
    "keys_enter": _("into the condition"),
    "keys_leave": _("to the group around it"),
    "keys_move": _("move it up, down, into groups and out of them"),
    "keys_add": _("add a condition behind it"),
    "keys_copy": _("copy it"),
    "keys_wrap": _("put it into a group; dissolve the group"),
    "keys_negate": _("turn it round: not"),
    "keys_remove": _("remove it"),
    "keys_undo": _("undo; do again"),
    # The panel
    "panel": _("Who that is"),
    "nothing_asked": _("Choose a field to see who that is."),
    "unfinished": _("Finish the marked conditions to see who that is."),
    "counting": _("Counting…"),
    "match": _("contacts"),
    "one_matches": _("contact"),
    "about_match": _("contacts, estimated"),
    "if_saved": _("When you save"),
    "no_change": _("Nobody joins, nobody leaves."),
    "join": _("contacts join"),
    "one_joins": _("contact joins"),
    "leave": _("contacts leave"),
    "one_leaves": _("contact leaves"),
    "sample": _("Some of them"),
    "and_more": _("and {count} more"),
    "signed_out": _("You are signed out, or may not look at segments. Sign in in another tab, then go on."),
    "lost": _("The server cannot be reached. What you wrote is kept here; try again."),
}


def say_words() -> dict[str, str]:
    return {key: str(text) for key, text in WORDS.items()}
