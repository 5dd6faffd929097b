"""Requests to addresses that people typed in: never to our own network, never further than was checked.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: a name that
answers differently a moment later gains nothing. Redirects are answers like any other, and no proxy is asked.
Networks of one's own can be opened by name (``OUTBOUND_NETWORKS``); only there may a request go without TLS.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from crm.errors import CardfileError

__all__ = [
    "AddressForbidden",
    "AddressUnknown",
    "AddressUnreadable",
    "NoAnswer",
    "Place",
    "Reply",
    "check_address",
    "open_connection",
    "post",
    "read_address",
]

MAX_URL_LENGTH: Final = 2_000
CONNECT_SECONDS: Final = 5.0
SAFE: Final = "/%:=&?~+!$,;'@()*[]-._"
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressUnreadable(CardfileError):
    """This is no address of a web server. Write it in full, such as https://example.com/hook."""

    code = "address_unreadable"


class AddressUnknown(CardfileError):
    """No server of this name can be found. Check the address."""

    code = "address_unknown"


class AddressForbidden(CardfileError):
    """This address lies within a private network, or would be called without TLS. Use a public https address."""

    code = "address_forbidden"


class NoAnswer(CardfileError):
    """The server could not be reached, or did not answer in time. Check that it runs."""

    code = "no_answer"


class Place(NamedTuple):
    """An address, taken apart: what to connect to and what to ask for."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The host as a header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


class Reply(NamedTuple):
    """What came back: the status, and for how long to wait if the server said so."""

    status: int
    retry_after: int | None

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def read_address(url: str) -> Place:
    """Take an address apart; raises ``AddressUnreadable``."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        host = host if ":" in host else host.encode("idna").decode()
    except ValueError as error:
        raise AddressUnreadable from error
    if parts.scheme not in ("http", "https") or not host or port == 0 or len(url) > MAX_URL_LENGTH:
        raise AddressUnreadable
    if parts.username is not None or parts.password is not None:
        raise AddressUnreadable("An address with a user and a password in it is not kept. Leave them out.")
    path = quote(parts.path or "/", safe=SAFE) + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")
    is_secure = parts.scheme == "https"
    return Place(is_secure, host, port or (443 if is_secure else 80), path)


def check_address(url: str, *, networks: Sequence[str] = ()) -> Place:
    """Whether this address may be called; raises one of the errors above. ``networks`` are one's own that may be."""
    place = read_address(url)
    _resolve(place, networks)
    return place


def _resolve(place: Place, networks: Sequence[str]) -> list[str]:
    """Every address of the host, each of them allowed."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressUnknown from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(_is_allowed(address, place.is_secure, networks) for address in addresses):
        raise AddressForbidden
    return addresses


def _is_allowed(text: str, is_secure: bool, networks: Sequence[str]) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if any(address in network for network in _read_networks(tuple(networks))):
        return True
    return is_secure and all(map(_is_public, _faces(address)))


@lru_cache(maxsize=8)
def _read_networks(networks: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(network) for network in networks]


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    )


def _faces(address: Address) -> Iterator[Address]:
    """The address itself, or those that it stands for on the way: an IPv6 address may hide a private IPv4 one."""
    hidden: list[Address | None] = []
    if isinstance(address, ipaddress.IPv6Address):
        hidden = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    shown = [face for face in hidden if face is not None]
    yield from shown or [address]


# Asking


@contextmanager
def open_connection(
    place: Place, *, seconds: float, networks: Sequence[str] = ()
) -> Iterator[http.client.HTTPConnection]:
    """A connection to a checked address of the place, cut off after so many seconds whatever happens.

    Raises ``AddressUnknown``, ``AddressForbidden`` and, for everything that goes wrong within, ``NoAnswer``.
    """
    connection = http.client.HTTPConnection(place.host, place.port)
    cut: list[bool] = []

    def cut_off() -> None:
        cut.append(True)
        if connection.sock is not None:
            with suppress(OSError):  # it is closed already
                connection.sock.shutdown(socket.SHUT_RDWR)  # whoever reads from it wakes up

    addresses = _resolve(place, networks)
    clock = threading.Timer(seconds, cut_off)
    clock.daemon = True
    try:
        clock.start()
        connection.sock = _connect(place, addresses, seconds)
        yield connection
        if cut:
            raise TimeoutError  # what was read so far looks like all there is
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(_say_trouble(error, seconds=seconds if cut else None)) from error
    finally:
        clock.cancel()
        connection.close()


def _connect(place: Place, addresses: Sequence[str], seconds: float) -> socket.socket:
    """The first address that takes us; TLS is proven by name."""
    plain = _connect_first(addresses, place.port)
    try:
        plain.settimeout(seconds)
        if not place.is_secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=place.host)
    except BaseException:
        plain.close()
        raise


def _connect_first(addresses: Sequence[str], port: int) -> socket.socket:
    failed: OSError = OSError()
    for address in addresses[:3]:
        try:
            return socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except OSError as error:
            failed = error
    raise failed


def _say_trouble(error: Exception, *, seconds: float | None) -> str:
    """What a person can do something about; nothing of what the server sent."""
    if seconds is not None or isinstance(error, TimeoutError):
        return "The server did not answer in time. It should answer first and work afterwards."
    if isinstance(error, ssl.SSLError):
        return f"The server's certificate or TLS was refused: {error.reason or 'unknown'}. Correct it there."
    if isinstance(error, ConnectionRefusedError):
        return "The server refused the connection. Check that it runs on this port."
    return NoAnswer.default_message()


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, networks: Sequence[str] = ()) -> Reply:
    """Send ``body`` and wait for the status, at most so many seconds; what else is answered is not read."""
    place = read_address(url)
    with open_connection(place, seconds=seconds, networks=networks) as connection:
        sent = {**headers, "Host": place.named, "Connection": "close"}
        connection.request("POST", place.path, body, sent)
        response = connection.getresponse()
        waits = response.getheader("Retry-After", "").strip()
    return Reply(response.status, int(waits) if waits.isascii() and waits.isdecimal() and len(waits) < 8 else None)
