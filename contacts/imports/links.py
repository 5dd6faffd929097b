"""A file behind a link: fetched from hosts that the account lists, never from private networks, streamed and limited.

A redirect is a link like any other: it is looked at again from the start, three times at most.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from contacts.imports.errors import FileTooLarge, HostNotListed, LinkUnanswered
from contacts.imports.files import store
from contacts.imports.limits import show_size
from contacts.imports.mapping import lay_source, map_by_names, settle_mapping
from contacts.imports.plan import Options
from contacts.imports.sources import describe
from contacts.models import Account, Import
from crm import outbound

__all__ = ["check_link", "fetch_file", "name_of_link", "read_hosts"]

SECONDS: Final = 300.0
"""For the whole of a file."""
LARGEST: Final = 100 * 1024**2
CHUNK: Final = 64 * 1024
HOST: Final = re.compile(r"[\w.-]+|[0-9a-f:.]+", re.ASCII)
MOST_REDIRECTS: Final = 3
REDIRECTS: Final = (301, 302, 303, 307, 308)

Host = tuple[str, int]


def read_hosts(text: str) -> set[Host]:
    """Hosts with their ports, one a line, such as files.example.com or files.example.com:8443.

    Raises ``AddressUnreadable`` with the line as its ``path``.
    """
    hosts = set()
    for line in filter(None, (line.strip() for line in text.splitlines())):
        try:
            place = outbound.read_address(f"https://{line.removeprefix('https://')}")
        except outbound.AddressUnreadable as error:
            raise outbound.AddressUnreadable(path=line) from error
        if place.path != "/" or not HOST.fullmatch(place.host):
            raise outbound.AddressUnreadable(path=line)
        hosts.add((place.host, place.port))
    return hosts


def check_link(link: str) -> None:
    """Whether a file may be fetched from there; raises ``HostNotListed`` and what ``crm.outbound`` refuses."""
    _check_listed(link)
    outbound.check_address(link, networks=settings.OUTBOUND_NETWORKS)


def _check_listed(link: str) -> outbound.Place:
    place = outbound.read_address(link)
    account = Account.objects.order_by("pk").first()
    listed = read_hosts(account.upload_hosts) if account is not None else set()
    if not place.is_secure or (place.host, place.port) not in listed:
        raise HostNotListed
    return place


def name_of_link(link: str) -> str:
    """What the file is called; its ending helps to find out what it is."""
    name = unquote(urlsplit(link).path).rpartition("/")[2].replace("\0", "").strip()
    return name.encode(errors="replace").decode()[-255:] or "file.csv"


def fetch_file(run: Import) -> None:
    """Bring the file of an import here, and say what its columns mean. Saves nothing but the file."""
    path = store(_download(run.link), run.file_name)
    run.stored_name, run.size_bytes = path.name, path.stat().st_size
    options = Options.from_json(run.options)
    lay_source(run, describe(path, run.file_name))
    mapping = map_by_names(run.headers, key=options.key)
    run.mapping, options = settle_mapping(run.headers, mapping, options)
    run.options = options.as_json()


def _download(link: str) -> Iterator[bytes]:
    for _redirect in range(MOST_REDIRECTS + 1):
        place = _check_listed(link)
        with outbound.open_connection(place, seconds=SECONDS, networks=settings.OUTBOUND_NETWORKS) as connection:
            headers = {"Host": place.named, "Accept-Encoding": "identity", "User-Agent": "Cardfile"}
            connection.request("GET", place.path, headers=headers)
            with closing(connection.getresponse()) as response:
                if response.status == http.client.OK:
                    yield from _read(response)
                    return
                location = response.getheader("Location", "")
                if response.status not in REDIRECTS or not location:
                    message = _("The server answered {status} instead of the file. Check the link.")
                    raise LinkUnanswered(message.format(status=response.status))
                link = urljoin(link, location)
    raise LinkUnanswered(_("The link leads from one address to the next without end. Send the last one."))


def _read(response: http.client.HTTPResponse) -> Iterator[bytes]:
    size, announced = 0, response.length
    while chunk := response.read(CHUNK):
        size += len(chunk)
        if max(size, announced or 0) > LARGEST:
            message = _("The file is larger than {size}. Split it.").format(size=show_size(LARGEST))
            raise FileTooLarge(message, limit=LARGEST)
        yield chunk
    if announced is not None and size < announced:
        raise LinkUnanswered(_("The server sent only a part of the file. Try again."))
