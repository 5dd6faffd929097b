"""How dates and numbers are written: by where the reader is, in English words.

A reader in Poland reads ``en-pl``: English, as used in Poland. Django looks for the module ``en_PL.formats`` here; it
is made of its own formats of Polish, of which the ones in digits are taken, since words would be English ones. Plain
``en``, which many nations read, has the order that none can misread.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from django.utils.translation.trans_real import parse_accept_lang_header

__all__ = ["PLAIN", "REGIONS", "language_of"]

PLAIN: Final = "en"

# region → Django's name of the formats
REGIONS: Final[Mapping[str, str]] = {
    "AR": "es_AR", "AT": "de", "AU": "en_AU", "AZ": "az", "BA": "bs", "BE": "fr_BE", "BG": "bg", "BR": "pt_BR",
    "CA": "en_CA", "CH": "de_CH", "CL": "es", "CN": "zh_Hans", "CO": "es_CO", "CZ": "cs", "DE": "de", "DK": "da",
    "EE": "et", "ES": "es", "FI": "fi", "FR": "fr", "GB": "en_GB", "GE": "ka", "GR": "el", "HR": "hr", "HU": "hu",
    "ID": "id", "IE": "en_IE", "IL": "he", "IN": "en_GB", "IT": "it", "JP": "ja", "KR": "ko", "KZ": "ru", "LT": "lt",
    "LV": "lv", "MD": "ro", "MK": "mk", "MX": "es_MX", "NL": "nl", "NO": "nb", "NZ": "en_GB", "PL": "pl", "PT": "pt",
    "RO": "ro", "RS": "sr_Latn", "SE": "sv", "SI": "sl", "SK": "sk", "TR": "tr", "TW": "zh_Hant", "UA": "uk",
    "US": "en", "VN": "vi", "ZA": "en_GB",
}  # fmt: skip

# language without a region → where most of those who read it are
LIKELY: Final[Mapping[str, str]] = {
    "az": "AZ", "bg": "BG", "bs": "BA", "cs": "CZ", "da": "DK", "de": "DE", "el": "GR", "es": "ES", "et": "EE",
    "fi": "FI", "fr": "FR", "he": "IL", "hr": "HR", "hu": "HU", "id": "ID", "it": "IT", "ja": "JP", "ka": "GE",
    "ko": "KR", "lt": "LT", "lv": "LV", "mk": "MK", "nb": "NO", "nl": "NL", "nn": "NO", "no": "NO", "pl": "PL",
    "pt": "PT", "ro": "RO", "ru": "KZ", "sk": "SK", "sl": "SI", "sr": "RS", "sv": "SE", "tr": "TR", "uk": "UA",
    "vi": "VN", "zh": "CN",
}  # fmt: skip

AMERICAN: Final = {
    "DATE_FORMAT": "M j, Y",
    "SHORT_DATE_FORMAT": "m/d/Y",
    "TIME_FORMAT": "g:i A",
    "DATETIME_FORMAT": "M j, Y, g:i A",
    "SHORT_DATETIME_FORMAT": "m/d/Y g:i A",
}
TWENTY_FOUR_HOURS: Final = frozenset({"GB", "IE", "NZ", "ZA"})
"""Where Django's formats of English would write twelve."""
TAKEN: Final = frozenset({"DECIMAL_SEPARATOR", "THOUSAND_SEPARATOR", "NUMBER_GROUPING", "FIRST_DAY_OF_WEEK"})


def language_of(accepted: str) -> str:
    """The language to read in, by what a browser accepts: ``en-pl``, or plain ``en`` where nothing is known of it."""
    for tag, _quality in parse_accept_lang_header(accepted.lower()[:200]):
        language, _dash, rest = tag.partition("-")
        region = next((part.upper() for part in rest.split("-") if part.upper() in REGIONS), LIKELY.get(language))
        if region is not None:
            return f"{PLAIN}-{region.lower()}"
        if language == PLAIN:
            break
    return PLAIN


class Formats(ModuleType):
    """The formats of one region, looked up when they are asked for."""

    def __init__(self, name: str, region: str) -> None:
        super().__init__(name)
        self.region = region

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        theirs = import_module(f"django.conf.locale.{REGIONS[self.region]}.formats")
        if self.region == "US" and name in AMERICAN:
            return AMERICAN[name]
        if name in TAKEN:
            return getattr(theirs, name)
        time = "H:i" if self.region in TWENTY_FOUR_HOURS else theirs.TIME_FORMAT
        return self.in_digits(name, theirs.SHORT_DATE_FORMAT, time)

    def in_digits(self, name: str, day: str, time: str) -> str:
        """Dates as they are written short. What is typed in is read in the ISO form, as elsewhere."""
        match name:
            case "DATE_FORMAT" | "SHORT_DATE_FORMAT":
                return day
            case "TIME_FORMAT":
                return time
            case "DATETIME_FORMAT" | "SHORT_DATETIME_FORMAT":
                return f"{day} {time}"
        raise AttributeError(name)


for region in REGIONS:
    package = f"{__name__}.{PLAIN}_{region}"
    sys.modules[package] = ModuleType(package)
    sys.modules[f"{package}.formats"] = Formats(f"{package}.formats", region)
