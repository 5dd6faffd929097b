"""The back office's pages at full size: server time of each, from the request to the last byte of the answer.

``python -m benchmarks.pages --contacts 5000000 --json`` fills a database of its own below ``--home`` (kept there, so
that the next run only measures), signs an administrator in and asks for every page in turn, ``--rounds`` times each
with other contacts and values, after rounds that do not count. The requests go through Django's own handler, with all
middleware, in this process: what a network and a web server add is not in the figures. ``ms`` are the median and the
95th percentile by page, ``statements`` the most that one request ran.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.pages_data import LONG, fill, make_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

LIST: Final = "/admin/contacts/contact/"
WARM_UP: Final = 3
TARGET_MS: Final = 150
LOOKING_MS: Final = 2_000

Choose = random.Random
Address = Callable[[Choose], str]


class Page(NamedTuple):
    """``address`` makes an address to ask for; ``limit`` is what 95 in 100 requests may take, in milliseconds."""

    name: str
    address: Address
    limit: int = TARGET_MS


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--contacts", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=60)
    arguments.add_argument("--home", type=Path, default=Path("var/benchmark-pages"), help="where the data are kept")
    arguments.add_argument("--only", nargs="*", help="the pages whose name contains one of these")
    arguments.add_argument("--json", action="store_true", help="the figures as the last line")
    given = arguments.parse_args()
    numbers = prepare(given.home.resolve(), given.contacts)
    pages = [page for page in list_pages(given.contacts, numbers) if is_wanted(page, given.only)]
    figures = measure(pages, given.rounds)
    if given.json:
        print(json.dumps({"contacts": given.contacts, **figures}))


def is_wanted(page: Page, only: list[str] | None) -> bool:
    return not only or any(part in page.name for part in only)


# The data


def prepare(home: Path, contacts: int) -> dict[str, int]:
    """Everything that the pages need, made once below ``home``."""
    import django

    os.environ.pop("DATABASE_URL", None)
    os.environ["VAR_DIR"] = str(home)
    os.environ["LOG_LEVEL"] = "WARNING"
    home.mkdir(parents=True, exist_ok=True)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    kept = home / "filled.json"
    if not kept.exists():
        started = time.monotonic()
        numbers = make_settings()
        fill(contacts, numbers)
        call_command("refresh_statistics", complete=True, verbosity=0)
        kept.write_text(json.dumps({"contacts": contacts, "numbers": numbers}))
        print(f"filled in {time.monotonic() - started:.0f} s", flush=True)
    settle()
    found = json.loads(kept.read_text())
    if found["contacts"] != contacts:
        raise SystemExit(f"{home} has {found['contacts']} contacts. Choose another --home, or --contacts.")
    return dict(found["numbers"])


def settle() -> None:
    """What autovacuum would have done by the time that somebody looks."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'contacts_contact' AND last_vacuum > '-infinity'"
        )
        if not cursor.fetchone()[0]:
            cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


# The pages


def list_pages(contacts: int, numbers: Mapping[str, int]) -> list[Page]:
    """Every page with the addresses to ask it by. Pages that are not there (yet) are left out."""
    return [*list_searches(contacts), *list_sheets(contacts), *list_filters(numbers), *list_others(numbers)]


def list_searches(contacts: int) -> list[Page]:
    def pick(choose: Choose) -> int:
        return choose.randrange(1, contacts + 1)

    return [
        Page("list", lambda choose: LIST),
        Page("list, further back", lambda choose: f"{LIST}?{older(choose)}"),
        Page("search: email", lambda choose: f"{LIST}?q=person.{(n := pick(choose))}@mail{n % 211}.example.com"),
        Page("search: external ID", lambda choose: f"{LIST}?q=C-{pick(choose) * 7919 % 100000007:09}"),
        Page("search: phone", lambda choose: f"{LIST}?q=067+{pick(choose) % 10**7:07}"),
        Page("search: id:", lambda choose: f"{LIST}?q=id:{pick(choose)}"),
        Page("search: common name", lambda choose: f"{LIST}?q=" + choose.choice(["Олена", "anna", "шевч", "kowal"])),
        Page("search: common names", lambda choose: f"{LIST}?q=" + choose.choice(["олена шевченко", "anna kowal"])),
        Page(
            "search: middling name",
            lambda choose: f"{LIST}?q=" + choose.choice(["тарас", "noemie", "çelik", "weißsen"]),
        ),
        Page("search: rare name", lambda choose: f"{LIST}?q=" + choose.choice(["заборон", "передислав забор", "Qqq"])),
        Page("palette: name", lambda choose: "/admin/search/?extended=1&s=anna+" + choose.choice(["ko", "sm", "mü"])),
    ]


def older(choose: Choose) -> str:
    """A page somewhere along the list."""
    from contacts.finding import Place
    from contacts.models import Contact

    [row] = Contact.objects.filter(pk=choose.randrange(1, 1_000)).values_list("updated_at", "pk")
    return f"older={Place(*row).token}"


def list_sheets(contacts: int) -> list[Page]:
    pages = [
        ("sheet", "admin:contacts_contact_change", lambda choose: ([choose.randrange(1, contacts + 1)], "")),
        ("sheet with a long timeline", "admin:contacts_contact_change", lambda choose: ([LONG], "")),
        ("timeline", "admin:contacts_contact_activity", lambda choose: ([choose.randrange(1, contacts + 1)], "")),
        ("timeline, a long one", "admin:contacts_contact_activity", lambda choose: ([LONG], "")),
        ("merge compare", "admin:contacts_merge_compare", lambda choose: ([], compared(choose, contacts))),
        ("duplicates", "admin:contacts_duplicatecase_changelist", lambda choose: ([], "")),
        ("dashboard", "admin:index", lambda choose: ([], "")),
        ("segments of a contact", "admin:contacts_contact_segments", lambda choose: ([LONG], "")),
    ]
    return [Page(name, made) for name, view, given in pages if (made := reversed_by(view, given))]


def compared(choose: Choose, contacts: int) -> str:
    """Two that can be merged: neither was deleted."""
    from contacts.models import Contact, ContactState

    some = Contact.objects.filter(pk__gte=choose.randrange(1, contacts), state=ContactState.ACTIVE).order_by("pk")
    return f"?left={some.values_list('pk', flat=True)[0]}&right={LONG}"


def reversed_by(view: str, given: Callable[[Choose], tuple[list[int], str]]) -> Address | None:
    from django.urls import NoReverseMatch, reverse

    def address(choose: Choose) -> str:
        arguments, query = given(choose)
        return reverse(view, args=arguments) + query

    try:
        address(random.Random(0))
    except NoReverseMatch:
        return None
    return address


FILTERS: Final[dict[str, tuple[str, str]]] = {
    "state": ("state=active", "state=deleted"),
    "external ID": ("has_external_id=yes", "has_external_id=no"),
    "email": ("has_email=yes", "has_email=no"),
    "phone": ("has_phone=yes", "has_phone=no&has_external_id=no&has_email=no"),
    "email state": ("email_state=active", "email_state=blacklisted"),
    "phone state": ("phone_state=active", "phone_state=blacklisted"),
    "source": ("source=import", "source=sheet"),
    "channel": ("channel=mobile_push", "channel=telegram"),
    "static segment": ("segment={many}", "segment={few}"),
    "last change": ("changed_from=-30d", "changed_from=2024-05-01&changed_to=2024-05-01"),
}
"""The ten of ``docs/filters.md``: with a value that many have and with one that few have."""

OTHERS: Final = {
    "created": ("created_from=-30d", "created_from=-500d&created_to=-499d"),
    "import": ("import={large}", "import={small}"),
    "dynamic segment": ("segment={silver}", "segment={platinum}"),
    "one of": ("fields.tier=silver", "fields.tier=platinum"),
    "number": ("fields.visits_from=40", "fields.visits_from=50"),
    "text": ("fields.nickname=nick", "fields.nickname=nick 4999999"),
}
"""What is looked through: the page stands at once, its rows come within two seconds, or what was found by then."""


def list_filters(numbers: Mapping[str, int]) -> list[Page]:
    return [
        Page(f"filter: {name}, {kind}", fixed(f"{LIST}?{query.format(**numbers)}"))
        for name, queries in FILTERS.items()
        for kind, query in zip(("common", "rare"), queries, strict=True)
    ]


def list_others(numbers: Mapping[str, int]) -> list[Page]:
    pages = []
    for name, queries in OTHERS.items():
        for kind, query in zip(("common", "rare"), queries, strict=True):
            address = f"{LIST}?{query.format(**numbers)}"
            pages.append(Page(f"other: {name}, {kind}", fixed(address)))
            pages.append(Page(f"other: {name}, {kind}: its rows", fixed(f"{address}&wait=1"), LOOKING_MS))
    return pages


def fixed(address: str) -> Address:
    return lambda choose: address


# Measuring


def measure(pages: list[Page], rounds: int) -> dict[str, Any]:
    """All pages in turn, so that whatever else the machine does befalls each alike."""
    client = sign_in()
    choose = random.Random(1)
    taken: dict[str, list[float]] = defaultdict(list)
    statements: dict[str, int] = defaultdict(int)
    for number in range(WARM_UP + rounds):
        for page in pages:
            address = page.address(choose)
            with Counted() as ran:
                milliseconds = ask(client, address)
            if number >= WARM_UP:
                statements[page.name] = max(statements[page.name], len(ran))
                taken[page.name].append(milliseconds)
    show(pages, taken, statements)
    return {
        "ms": {page.name: {"median": median(taken[page.name]), "p95": p95(taken[page.name])} for page in pages},
        "statements": dict(statements),
        "too_slow": [page.name for page in pages if p95(taken[page.name]) > page.limit],
    }


def sign_in() -> Any:
    from django.contrib.auth import get_user_model
    from django.test import Client

    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_ENCODING="gzip")
    client.force_login(user)
    return client


def ask(client: Any, address: str) -> float:
    """Milliseconds until the whole answer is there."""
    started = time.perf_counter()
    answer = client.get(address)
    size = len(answer.content)
    milliseconds = (time.perf_counter() - started) * 1_000
    if answer.status_code != 200 or not size:
        raise SystemExit(f"{address} was answered with {answer.status_code}.")
    return milliseconds


class Counted:
    """The statements that are run meanwhile, noted without Django's own log, which would format each of them."""

    def __enter__(self) -> list[str]:
        from django.db import connection

        self.ran: list[str] = []
        self.wrapping = connection.execute_wrapper(self.note)
        self.wrapping.__enter__()
        return self.ran

    def __exit__(self, *error: Any) -> None:
        self.wrapping.__exit__(*error)

    def note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.ran.append(sql)
        return execute(sql, params, many, context)


def median(taken: list[float]) -> float:
    return round(statistics.median(taken), 1)


def p95(taken: list[float]) -> float:
    return round(sorted(taken)[math.ceil(0.95 * len(taken)) - 1], 1)


def show(pages: list[Page], taken: Mapping[str, list[float]], statements: Mapping[str, int]) -> None:
    print(f"\n{'page':46} {'median':>9} {'p95':>9} {'allowed':>9} {'statements':>11}")
    for page in pages:
        found = taken[page.name]
        verdict = "" if p95(found) <= page.limit else "  too slow"
        figures = f"{median(found):6.1f} ms {p95(found):6.1f} ms {page.limit:6} ms"
        print(f"{page.name:46} {figures} {statements[page.name]:11}{verdict}")


if __name__ == "__main__":
    main()
