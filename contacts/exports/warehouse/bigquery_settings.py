"""What is typed to reach BigQuery, and what of it is kept for everybody to see."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils.translation import gettext as _

from contacts.exports.warehouse.errors import SettingsRefused
from crm.errors import Refused

__all__ = ["check_settings", "is_without_key", "read_key"]

PROJECT: Final = re.compile(r"([a-z][a-z0-9.-]{0,61}:)?[a-z][a-z0-9-]{4,61}[a-z0-9]", re.ASCII)
DATASET: Final = re.compile(r"\w{1,1024}", re.ASCII)
LOCATION: Final = re.compile(r"[A-Za-z0-9-]{0,50}", re.ASCII)
ENDPOINT: Final = re.compile(r"https?://[^\s/@?#]+/?", re.ASCII)
NEEDED: Final = ("client_email", "private_key", "token_uri")


def check_settings(settings: Mapping[str, Any], secret: str) -> dict[str, Any]:
    """The settings as they are kept, with how the place is shown; raises ``Refused`` with an error a field."""
    given = {name: str(settings.get(name) or "").strip() for name in ("project", "dataset", "location", "endpoint")}
    errors: list[SettingsRefused] = []
    for name, pattern, words in (
        ("project", PROJECT, _("This cannot be the project. Write its ID, such as company-warehouse.")),
        ("dataset", DATASET, _("This cannot be the dataset. Write its name in letters, digits and underscores.")),
        ("location", LOCATION, _("This cannot be the location. Write one such as EU, or leave it empty.")),
    ):
        if not pattern.fullmatch(given[name]):
            errors.append(SettingsRefused(words, path=name))
    if given["endpoint"] and not ENDPOINT.fullmatch(given["endpoint"]):
        words = _("This address cannot be read. Write https://host, or leave it empty.")
        errors.append(SettingsRefused(words, path="endpoint"))
    account = ""
    if not is_without_key(given):
        try:
            account = str(read_key(secret)["client_email"])
        except SettingsRefused as error:
            errors.append(error)
    if errors:
        raise Refused(list(errors), errors[0].message)
    place = f"{given['project']}.{given['dataset']}"
    kept = {name: value for name, value in given.items() if value}
    return {**kept, "shown": f"{place} as {account}" if account else place}


def is_without_key(settings: Mapping[str, Any]) -> bool:
    """An address without encryption is an emulator's: it asks for no key, and none would be sent that way."""
    return str(settings.get("endpoint") or "").startswith("http://")


def read_key(secret: str) -> dict[str, Any]:
    """The service account's key as Google gives it; raises ``SettingsRefused``."""
    try:
        key = json.loads(secret)
        missing = [name for name in NEEDED if not isinstance(key[name], str) or not key[name]]
        if not isinstance(load_pem_private_key(key["private_key"].encode(), None), RSAPrivateKey):
            missing = ["private_key"]  # Google makes no others, and nothing could be signed with it
    except (ValueError, TypeError, KeyError, RecursionError, UnsupportedAlgorithm):  # what it says may quote the key
        missing = ["key"]
    if missing or not isinstance(key, dict) or key.get("type") != "service_account":
        words = _("This is no key of a service account. Make one at Google Cloud and put its whole JSON file here.")
        raise SettingsRefused(words, path="key")
    return key
