"""kill -9 of whoever sends, at random moments: nobody gets two mails, and only what was in hand may get none.

By hand:  python -m tests.contacts.subscribing.kills --mails 300 --kills 6 [--seed N]
It makes a database of its own, in a temporary folder unless VAR_DIR is set, and a mail server that takes its time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from aiosmtpd.controller import Controller

from tests.contacts.imports.kills import own_installation

SENDER = "import django; django.setup(); from contacts.subscribing.sending import send_waiting; send_waiting()"


class SlowMailbox:
    """Counts what each address got."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.got: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got[envelope.rcpt_tos[0]] += 1
        await asyncio.sleep(self.chance.random() / 25)
        return "250 OK"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=300)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    mailbox, port = SlowMailbox(chance), find_port()
    os.environ |= {
        "PUBLIC_URL": "https://crm.example.com",
        "CONFIRMATIONS_A_MINUTE": str(10 * given.mails),
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
    }
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with own_installation():
            return send_and_kill(mailbox, given.mails, given.kills, chance)
    finally:
        controller.stop()


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send_and_kill(mailbox: SlowMailbox, mails: int, kills: int, chance: random.Random) -> int:
    from contacts.imports import flow
    from contacts.imports.plan import Options
    from contacts.imports.run import carry_out
    from contacts.models import Confirmation
    from tests.contacts.imports.flowing import map_columns, upload

    people = [f"olena+{number}@example.com" for number in range(mails)]
    carry_out(flow.start(map_columns(upload("email", *people), Options(key="email", confirm_emails=True))))
    while Confirmation.objects.filter(status="waiting").exists():
        send(mailbox, until=chance.randint(3, mails // kills // 2 + 3) if kills else None)
        kills = max(kills - 1, 0)
    ends = Counter(Confirmation.objects.values_list("status", flat=True))
    twice = [address for address, times in mailbox.got.items() if times > 1]
    print(f"{len(mailbox.got)} of {mails} got their mail, {len(twice)} of them twice. {dict(ends)}")
    return len(twice) + (mails - len(mailbox.got) > ends["failed"])


def send(mailbox: SlowMailbox, *, until: int | None) -> None:
    """In a process of its own, which is killed after so many mails."""
    before = mailbox.got.total()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "crm.settings"}
    process = subprocess.Popen([sys.executable, "-c", SENDER], env=environment)
    while until is not None and process.poll() is None and mailbox.got.total() < before + until:
        time.sleep(0.002)
    if until is not None:
        process.kill()
    process.wait()
    time.sleep(0.5)  # the database notices that the claim's connection is gone


if __name__ == "__main__":
    sys.exit(main())
