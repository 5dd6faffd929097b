"""Merging, unmerging, erasing: by a person or an explicit call."""

from __future__ import annotations

from typing import Final

from contacts.models import ChannelState
from tests.people import (
    BOHDAN,
    BOHDANS_PHONE,
    FAMILY,
    OLENA,
    OLENAS_PHONE,
    browsed,
    change,
    deleted,
    device,
    erased,
    have,
    merged,
    ordered,
    push,
    suppressed,
)
from tests.rules.row import SINGLE, Act, Row

OLENA_AND_BOHDAN: Final = (
    have("olena", {"external_id": "C-1", "email": OLENA, "first_name": "Olena", "identifiers": [device("d-1")]}),
    have(
        "bohdan",
        {
            "external_id": "C-2",
            "email": BOHDAN,
            "phone": BOHDANS_PHONE,
            "first_name": "Bohdan",
            "town": "Lviv",
            "fields.tier": "gold",
            "identifiers": [device("d-2")],
        },
    ),
)
BOTH: Final = {
    "external_id:C-1",
    "external_id:C-2",
    f"email:{OLENA}",
    f"email:{BOHDAN}",
    f"phone:{BOHDANS_PHONE}",
    "device:d-1",
    "device:d-2",
}
MERGED: Final = {"olena": ["merged"], "bohdan": ["merged"]}
UNMERGED: Final = {"olena": ["unmerged"], "bohdan": ["unmerged"]}

MERGES: Final = [
    Row(
        id="merge moves identifiers, fills blanks and leaves a tombstone",
        ways=SINGLE,
        given=OLENA_AND_BOHDAN,
        send=Act("merge", "olena", "bohdan"),
        contact="olena",
        sheets={
            "olena": {
                "external_id": "C-1",
                "email": OLENA,
                "phone": BOHDANS_PHONE,
                "phone_state": ChannelState.ACTIVE,
                "first_name": "Olena",
                "town": "Lviv",
                "fields.tier": "gold",
                "identifiers": BOTH,
            },
            "bohdan": {
                "state": 3,
                "merged_into": "olena",
                "external_id": "C-2",
                "email": BOHDAN,
                "first_name": "Bohdan",
                "identifiers": set(),
            },
        },
        journal=MERGED,
    ),
    Row(
        id="merge moves events and orders",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, browsed("bohdan", "boots"), ordered("bohdan")),
        send=Act("merge", "olena", "bohdan"),
        contact="olena",
        sheets={
            "olena": {"events": ["boots", "O-bohdan"], "orders": 1, "order_count": 1},
            "bohdan": {"events": [], "orders": 0},
        },
        journal=MERGED,
    ),
    Row(
        id="merge takes the side that a person chose",
        ways=SINGLE,
        given=OLENA_AND_BOHDAN,
        send=Act("merge", "olena", "bohdan", {"first_name": "loser", "email": "loser"}),
        contact="olena",
        sheets={"olena": {"first_name": "Bohdan", "email": BOHDAN, "external_id": "C-1", "identifiers": BOTH}},
        journal=MERGED,
    ),
    Row(
        id="merge keeps one row of a value that both have",
        ways=SINGLE,
        given=(
            have("olena", {"external_id": "C-1", "email": FAMILY}),
            have("bohdan", {"external_id": "C-2"}),
            change("bohdan", {"email": FAMILY}),
        ),
        send=Act("merge", "olena", "bohdan"),
        contact="olena",
        sheets={"olena": {"identifiers": {"external_id:C-1", "external_id:C-2", f"email:{FAMILY}"}}},
        journal=MERGED,
    ),
    Row(
        id="merge into oneself is refused",
        ways=SINGLE,
        given=OLENA_AND_BOHDAN,
        send=Act("merge", "olena", "olena"),
        status="failed",
        code="merge_refused",
    ),
    Row(
        id="merge in a ring is refused",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, merged("olena", "bohdan")),
        send=Act("merge", "bohdan", "olena"),
        status="failed",
        code="merge_refused",
    ),
    Row(
        id="merge with an erased one is refused",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, erased("bohdan")),
        send=Act("merge", "olena", "bohdan"),
        status="failed",
        code="contact_not_found",
    ),
    Row(
        id="merge closes the case of the two",
        ways=SINGLE,
        given=(
            have("olena", {"external_id": "C-1", "email": FAMILY}),
            have("bohdan", {"external_id": "C-2"}),
            change("bohdan", {"email": FAMILY}),
        ),
        send=Act("merge", "olena", "bohdan"),
        contact="olena",
        sheets={"olena": {"open_cases": 0}},
        journal=MERGED,
    ),
]

UNMERGES: Final = [
    Row(
        id="unmerge restores both sheets",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, browsed("bohdan", "boots"), ordered("bohdan"), merged("olena", "bohdan")),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={
            "olena": {
                "external_id": "C-1",
                "email": OLENA,
                "phone": None,
                "phone_state": None,
                "town": None,
                "fields.tier": None,
                "identifiers": {"external_id:C-1", f"email:{OLENA}", "device:d-1"},
                "events": [],
                "orders": 0,
                "order_count": 0,
            },
            "bohdan": {
                "state": 1,
                "merged_into": None,
                "external_id": "C-2",
                "phone": BOHDANS_PHONE,
                "town": "Lviv",
                "identifiers": {"external_id:C-2", f"email:{BOHDAN}", f"phone:{BOHDANS_PHONE}", "device:d-2"},
                "events": ["boots", "O-bohdan"],
                "orders": 1,
                "order_count": 1,
            },
        },
        journal=UNMERGED,
    ),
    Row(
        id="unmerge leaves with the survivor what came since",
        ways=SINGLE,
        given=(
            *OLENA_AND_BOHDAN,
            merged("olena", "bohdan"),
            browsed("olena", "shoes"),
            change("olena", {"town": "Kyiv", "identifiers": [push()]}),
        ),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={
            "olena": {
                "town": "Kyiv",
                "events": ["shoes"],
                "identifiers": {"external_id:C-1", f"email:{OLENA}", "device:d-1", "mobile_push:shop:push-1"},
            },
            "bohdan": {"town": "Lviv", "events": []},
        },
        journal=UNMERGED,
    ),
    Row(
        id="unmerge leaves a unique value where it went since",
        ways=SINGLE,
        given=(
            *OLENA_AND_BOHDAN,
            merged("olena", "bohdan"),
            have("taras", {"external_id": "C-3", "identifiers": [device("d-2")]}),
        ),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={
            "taras": {"identifiers": {"external_id:C-3", "device:d-2"}},
            "bohdan": {"identifiers": {"external_id:C-2", f"email:{BOHDAN}", f"phone:{BOHDANS_PHONE}"}},
        },
        journal=UNMERGED,
    ),
    Row(
        id="unmerge is refused while a later merge stands",
        ways=SINGLE,
        given=(
            *OLENA_AND_BOHDAN,
            have("taras", {"external_id": "C-3"}),
            merged("olena", "bohdan"),
            merged("taras", "olena"),
        ),
        send=Act("undo", "bohdan"),
        status="failed",
        code="undo_later_merge_first",
    ),
    Row(
        id="unmerge is refused after an erasure",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, merged("olena", "bohdan"), erased("olena")),
        send=Act("undo", "bohdan"),
        status="failed",
        code="contact_not_found",
        sheets={"bohdan": {"state": 4, "email": None}, "olena": {"state": 4, "email": None}},
    ),
    Row(
        id="unmerge restores a deleted loser as deleted",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, deleted("bohdan"), merged("olena", "bohdan")),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={"bohdan": {"state": 2, "external_id": "C-2"}},
        journal=UNMERGED,
    ),
    Row(
        id="unmerge gives an address the state that it has by now",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, merged("olena", "bohdan"), suppressed(BOHDAN, ChannelState.UNSUBSCRIBED)),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={
            "bohdan": {"email": BOHDAN, "email_state": ChannelState.UNSUBSCRIBED},
            "olena": {"email": OLENA, "email_state": ChannelState.ACTIVE},
        },
        journal=UNMERGED,
    ),
    Row(
        id="unmerge opens the case of a value that both have again",
        ways=SINGLE,
        given=(
            have("olena", {"external_id": "C-1", "email": FAMILY}),
            have("bohdan", {"external_id": "C-2"}),
            change("bohdan", {"email": FAMILY}),
            merged("olena", "bohdan"),
        ),
        send=Act("undo", "bohdan"),
        contact="bohdan",
        sheets={
            "olena": {"identifiers": {"external_id:C-1", f"email:{FAMILY}"}},
            "bohdan": {"identifiers": {"external_id:C-2", f"email:{FAMILY}"}, "email": FAMILY},
        },
        journal=UNMERGED,
        cases={f"email:{FAMILY}": {"olena", "bohdan"}},
    ),
]

ERASURES: Final = [
    Row(
        id="erase leaves an id and a date",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, browsed("bohdan"), ordered("bohdan")),
        send=Act("erase", "bohdan"),
        contact="bohdan",
        sheets={
            "bohdan": {
                "state": 4,
                "external_id": None,
                "email": None,
                "phone": None,
                "first_name": None,
                "town": None,
                "fields.tier": None,
                "identifiers": set(),
                "events": [],
                "orders": 0,
            }
        },
        journal={"bohdan": ["erased"]},
    ),
    Row(
        id="erase takes all tombstones of the survivor",
        ways=SINGLE,
        given=(*OLENA_AND_BOHDAN, merged("olena", "bohdan")),
        send=Act("erase", "olena"),
        contact="olena",
        sheets={"olena": {"state": 4, "email": None}, "bohdan": {"state": 4, "email": None}},
        journal={"olena": ["erased"], "bohdan": ["erased"]},
    ),
    Row(
        id="erase of a tombstone takes its survivor",
        ways=SINGLE,
        not_through=("sheet",),  # which leads to the survivor's sheet instead
        given=(*OLENA_AND_BOHDAN, merged("olena", "bohdan")),
        send=Act("erase", "bohdan"),
        contact="olena",
        sheets={"olena": {"state": 4, "email": None}, "bohdan": {"state": 4, "email": None}},
        journal={"olena": ["erased"], "bohdan": ["erased"]},
    ),
    Row(
        id="erase keeps the state of the address",
        ways=SINGLE,
        given=(have("olena", {"email": OLENA}), suppressed(OLENA, ChannelState.UNSUBSCRIBED), erased("olena")),
        send={"email": OLENA, "phone": OLENAS_PHONE},
        status="created",
        contact="new",
        sheets={"new": {"email_state": ChannelState.UNSUBSCRIBED, "phone_state": ChannelState.ACTIVE}},
    ),
]

ROWS: Final = [*MERGES, *UNMERGES, *ERASURES]
