"""kill -9 of the worker, or of the database, in the middle of an action: does it end as an undisturbed one?

By hand:  python -m tests.contacts.actions.kills --contacts 20000 --kills 5 [--database] [--undo] [--seed N]
It makes a database of its own, in a temporary folder unless VAR_DIR is set, edits a field of everybody once
undisturbed, and then again with so many kills; with ``--undo`` it is taken back and the kills come then. The worker is
the real one, started again where it fell, no more.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.contacts.imports.kills import (
    TIME,
    Moment,
    Worker,
    empty_tables,
    kill_database,
    own_installation,
    patient,
    say,
    wait_until,
    working,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--database", action="store_true", help="kill the database instead of the worker")
    parser.add_argument("--undo", action="store_true", help="kill while it is taken back")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with own_installation():
        return compare(given, random.Random(given.seed))


def compare(given: argparse.Namespace, chance: random.Random) -> int:
    with working() as worker:
        kill = kill_database if given.database else worker.kill
        undisturbed = act_once(given.contacts, worker, undo=given.undo)
        # In the first half, or a quick machine is done before it is killed.
        places = sorted(chance.randrange(given.contacts // 2) for _ in range(given.kills))
        moments = [Moment(place, chance.uniform(0, 0.04)) for place in places]
        found = act_once(given.contacts, worker, kill=kill, moments=moments, undo=given.undo)
        different = [name for name in undisturbed if found[name] != undisturbed[name]]
        say(killed_at=[moment.found for moment in moments], different=different, action=found["action"])
    return 1 if different else 0


def act_once(
    contacts: int,
    worker: Worker,
    *,
    kill: Callable[[], None] | None = None,
    moments: Sequence[Moment] = (),
    undo: bool = False,
) -> dict[str, Any]:
    from contacts import actions

    action = arrange(contacts)
    wait_until(lambda: worker.process.poll() is None, worker)
    if undo:
        wait_until(lambda: stands(action)[0] == "finished", worker)
        patient(lambda: actions.undo(action, by="user:2"))
    for moment in moments:
        wait_until(lambda: stands(action)[1 + undo] >= moment.row or has_ended(action), worker)  # noqa: B023
        time.sleep(moment.seconds)
        if kill is not None:
            kill()
        moment.found = patient(lambda: stands(action)[1 + undo])
    wait_until(lambda: has_ended(action), worker)
    return patient(tables)


def stands(action: Any) -> tuple[str, int, int]:
    return type(action).objects.values_list("status", "done", "undo_done").get(pk=action.pk)


def has_ended(action: Any) -> bool:
    return stands(action)[0] not in ("queued", "running", "undoing")


def arrange(contacts: int) -> Any:
    """Everybody gets a town; a third has it already, and every tenth is deleted and so refused."""
    from contacts import actions, identity
    from contacts.identity.types import API
    from contacts.models import Contact
    from contacts.selections import Selection

    empty_tables()
    towns = ("Kyiv", "Lviv", "Odesa")
    for start in range(0, contacts, 1_000):
        numbers = range(start, min(contacts, start + 1_000))
        identity.resolve(
            [{"external_id": f"C{number:07d}", "town": towns[number % 3]} for number in numbers], API, by="user:1"
        )
    ids = list(Contact.objects.order_by("external_id").values_list("pk", flat=True))
    identity.delete_contacts(ids[::10], by="user:1")
    return actions.begin(actions.Edit("town", "Lviv"), Selection(conditions={"state": "all"}), by="user:1", count=None)


def tables() -> dict[str, Any]:
    """Everything but ids and times; a contact is known by its external ID."""
    from django.db.models import Q

    from contacts.models import ActionRow, Change, Contact, ContactAction

    who = dict(Contact.objects.values_list("pk", "external_id"))
    ours = Q(by__startswith="action:") | Q(by="user:2")
    changes = Change.objects.filter(ours).values_list("contact_id", "kind", "before", "after")
    return {
        "contacts": sorted(Contact.objects.values_list("external_id", "town", "state")),
        "journal": sorted((who[row[0]], TIME.sub("", str(row[1:]))) for row in changes),
        "refused": sorted((who[pk], code) for pk, code in ActionRow.objects.values_list("contact_id", "code")),
        "action": list(
            ContactAction.objects.values_list("status", "done", "total", "counts", "undo_counts", "wish", "error")
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
