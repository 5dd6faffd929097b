"""How a PostgreSQL target is named: an address that is a secret as a whole, a schema, and how far TLS is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict

from contacts.exports.warehouse.errors import SettingsRefused
from crm.errors import Refused

__all__ = ["LONGEST_NAME", "check_settings", "parameters"]

LONGEST_NAME: Final = 63
"""Bytes of a name that PostgreSQL keeps."""
SSL_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
NEEDED: Final = ("host", "dbname", "user")
"""Without these the address would depend on who started the worker."""
ALLOWED: Final = frozenset(
    (*NEEDED, "hostaddr", "port", "password", "connect_timeout", "target_session_attrs", "channel_binding", "sslsni")
) | {"application_name", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "gssencmode"}
"""The others read files of this machine, or change what the server takes our statements for."""
OURS: Final = {
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "120000",  # milliseconds after which a network that swallows everything counts as gone
}
FALLBACKS: Final = {"application_name": "Cardfile", "connect_timeout": "10"}


def check_settings(settings: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """The settings as they are kept, with how the address is shown; raises ``Refused`` with an error a field."""
    errors: list[SettingsRefused] = []
    given = _read(secret, errors)
    sslmode = str(settings.get("sslmode") or given.get("sslmode") or _usual_mode(given))
    if sslmode not in SSL_MODES:
        words = _("TLS is one of {modes}.").format(modes=", ".join(SSL_MODES))
        errors.append(SettingsRefused(words, path="sslmode"))
    schema = str(settings.get("schema") or "public").strip()
    if not schema or "\0" in schema or len(schema.encode()) > LONGEST_NAME or _is_the_servers(schema):
        words = _("This cannot be the schema. Name one of your own, such as public.")
        errors.append(SettingsRefused(words, path="schema"))
    if errors:
        raise Refused(list(errors), errors[0].message)
    return {"schema": schema, "sslmode": sslmode, "shown": _shown(given)}


def parameters(settings: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """What a connection is made with; raises ``SettingsRefused`` where the address cannot be read."""
    errors: list[SettingsRefused] = []
    given = _read(secret, errors)
    if errors:
        raise errors[0]
    return {**FALLBACKS, **given, **OURS, "sslmode": settings.get("sslmode") or _usual_mode(given)}


def _read(secret: str, errors: list[SettingsRefused]) -> dict[str, str]:
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(secret.strip()).items() if value}
    except (psycopg.Error, UnicodeError, ValueError):  # what it says may quote the password
        words = _("This address cannot be read. Write postgresql://user:password@host:5432/database.")
        errors.append(SettingsRefused(words, path="dsn"))
        return {}
    if missing := [name for name in NEEDED if name not in given]:
        words = _("The address lacks {missing}. Write postgresql://user:password@host:5432/database.")
        errors.append(SettingsRefused(words.format(missing=", ".join(missing)), path="dsn"))
    if unknown := sorted(given.keys() - ALLOWED):
        words = _("The address must not contain {unknown}. Take it out.").format(unknown=", ".join(unknown))
        errors.append(SettingsRefused(words, path="dsn"))
    return given


def _is_the_servers(schema: str) -> bool:
    return schema.startswith("pg_") or schema == "information_schema"


def _usual_mode(given: Mapping[str, str]) -> str:
    """Encrypted, unless it never leaves the machine."""
    return "prefer" if given.get("host", "").startswith(("/", "@")) else "require"


def _shown(given: Mapping[str, str]) -> str:
    """For people, without the password."""
    port = f":{given['port']}" if "port" in given else ""
    return f"{given['host']}{port}/{given['dbname']} as {given['user']}"
