"""Origins of web pages, as browsers send them and as people list them (pure).

An origin is a scheme, a host and a port where it is not the usual one: ``https://shop.example.com``. In a list the host
may begin with ``*.``, which stands for every subdomain, and not for the domain itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import idna

__all__ = ["InvalidOrigin", "domains_of", "is_listed", "read_origin"]

USUAL_PORTS: Final = {"http": 80, "https": 443}
WILDCARD: Final = "*."
HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*|\[[0-9a-f:.]+\]")
LONGEST: Final = 300


class InvalidOrigin(ValueError):
    """A text that names no origin."""


def read_origin(text: str) -> str:
    """The origin that a person means, in the form that browsers send; without a scheme it is https."""
    scheme, found, rest = text.strip().partition("://")
    scheme, rest = (scheme.lower(), rest) if found else ("https", scheme)
    rest = rest.rstrip("/")
    if scheme not in USUAL_PORTS or len(text) > LONGEST or re.search(r"[/?#@\s]", rest):
        raise InvalidOrigin(text)
    wildcard = WILDCARD if rest.startswith(WILDCARD) else ""
    try:
        parts = urlsplit(f"//{rest.removeprefix(WILDCARD)}")
        host, port = read_host(parts.hostname or ""), parts.port
    except (ValueError, UnicodeError) as error:  # a port that is none, or a host that cannot be one
        raise InvalidOrigin(text) from error
    if wildcard and "." not in host:
        raise InvalidOrigin(text)
    return f"{scheme}://{wildcard}{host}" + (f":{port}" if port and port != USUAL_PORTS[scheme] else "")


def read_host(text: str) -> str:
    host = f"[{text}]" if ":" in text else text.lower()
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    if not HOST.fullmatch(host):
        raise InvalidOrigin(text)
    return host


def is_listed(origin: str, listed: Iterable[str]) -> bool:
    """Whether the origin that a browser sent is one of these."""
    return any(matches(origin, one) for one in listed)


def matches(origin: str, listed: str) -> bool:
    scheme, _wildcard, domain = listed.partition(WILDCARD)
    if not domain:
        return origin == listed
    return origin.startswith(scheme) and origin.endswith(f".{domain}") and len(origin) > len(scheme) + len(domain) + 1


def domains_of(listed: Iterable[str]) -> list[str]:
    """The domains whose subdomains are one site, and may share a cookie."""
    found = (one.partition(WILDCARD)[2].partition(":")[0] for one in listed)
    return sorted({domain for domain in found if domain})
