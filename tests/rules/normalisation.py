"""What is done to values before anything is compared, and what is no identifier at all."""

from __future__ import annotations

from typing import Final

from tests.people import BOHDAN, OLENA, OLENAS_PHONE, device, have
from tests.rules.row import ALL, BATCH, SERVERS_AND_SHEET, SINGLE, Row

LONG: Final = "token-" + "x" * 600

VALUES: Final = [
    Row(
        id="normal an external ID that came as a number is text",
        ways=("single", "bulk"),
        given=(have("olena", {"external_id": "42"}),),
        send={"external_id": 42, "first_name": "Olena"},
        contact="olena",
    ),
    Row(
        id="normal an external ID is trimmed",
        ways=ALL,
        given=(have("olena", {"external_id": "C-1"}),),
        send={"external_id": "  C-1 ", "first_name": "Olena"},
        contact="olena",
        sheets={"olena": {"external_id": "C-1"}},
    ),
    Row(
        id="normal an external ID keeps its case",
        ways=ALL,
        given=(have("olena", {"external_id": "c-1"}),),
        send={"external_id": "C-1"},
        status="created",
        contact="new",
        sheets={"new": {"external_id": "C-1"}},
    ),
    Row(
        id="normal an external ID as long as the policy allows",
        ways=SERVERS_AND_SHEET,
        send={"external_id": "C" * 100},
        status="created",
        contact="new",
        sheets={"new": {"external_id": "C" * 100}},
    ),
    Row(
        id="normal a longer external ID is an error, never cut",
        ways=SERVERS_AND_SHEET,
        send={"external_id": "C" * 101, "email": OLENA},
        status="failed",
        code="external_id_too_long",
        column="external_id",
    ),
    Row(
        id="normal an email is compared lower-cased and shown as written",
        ways=ALL,
        given=(have("olena", {"email": "Olena@Example.com"}),),
        send={"email": " OLENA@example.COM ", "first_name": "Olena"},
        contact="olena",
        sheets={"olena": {"email": "Olena@Example.com", "identifiers": {"email:olena@example.com"}}},
    ),
    Row(
        id="normal an email's domain is compared in its encoded form",
        ways=ALL,
        given=(have("olena", {"email": "olena@пошта.укр"}),),
        send={"email": "olena@xn--80a1acn3a.xn--j1amh", "first_name": "Olena"},
        contact="olena",
        sheets={"olena": {"email": "olena@пошта.укр", "identifiers": {"email:olena@xn--80a1acn3a.xn--j1amh"}}},
    ),
    Row(
        id="normal what is no email is an error of that field",
        ways=SERVERS_AND_SHEET,
        send={"external_id": "C-1", "email": "olena at example.com"},
        status="failed",
        code="invalid_email",
        column="email",
    ),
    Row(
        id="normal a national phone number is one of the account's country",
        ways=ALL,
        given=(have("olena", {"phone": OLENAS_PHONE}),),
        send={"phone": "050 111-22-33", "first_name": "Olena"},
        contact="olena",
        sheets={"olena": {"phone": OLENAS_PHONE}},
    ),
    Row(
        id="normal a phone number may come as digits only",
        ways=ALL,
        given=(have("olena", {"phone": OLENAS_PHONE}),),
        send={"phone": "380501112233", "first_name": "Olena"},
        contact="olena",
    ),
    Row(
        id="normal a phone number of any country",
        ways=SERVERS_AND_SHEET,
        send={"phone": "+44 20 7946 0018"},
        status="created",
        contact="new",
        sheets={"new": {"phone": "+442079460018"}},
    ),
    Row(
        id="normal what is no phone number is an error of that field",
        ways=SERVERS_AND_SHEET,
        send={"external_id": "C-1", "phone": "12345"},
        status="failed",
        code="invalid_phone",
        column="phone",
    ),
    Row(
        id="normal white space alone is no value",
        ways=SINGLE,
        given=(have("olena", {"email": OLENA}),),
        send={"external_id": "   ", "email": OLENA, "first_name": "Olena"},
        contact="olena",
        sheets={"olena": {"external_id": None}},
    ),
    Row(
        id="normal white space alone matches nobody",
        ways=SINGLE,
        send={"external_id": " \t", "email": " ", "phone": "  ", "contact_key": "\n"},
        status="failed",
        code="identifier_missing",
    ),
    Row(
        id="normal a value over 512 bytes is found again by its hash",
        ways=("single", "mobile"),
        given=(have("olena", {"email": OLENA, "identifiers": [device(LONG)]}),),
        send={"identifiers": [device(LONG)], "first_name": "Olena"},
        contact="olena",
    ),
    Row(
        id="normal a custom key has at most 100 characters",
        ways=ALL,
        send={"email": OLENA, "fields.loyalty": "A" * 101},
        status="failed",
        code="too_long",
        column="fields.loyalty",
    ),
    Row(
        id="normal an unknown field is an error",
        ways=("single", "bulk"),
        send={"email": OLENA, "fields.height": 180},
        status="failed",
        code="unknown_field",
        column="fields.height",
    ),
]

ZEROS: Final = ("000", "00000000-0000-0000-0000-000000000000")
JUNK: Final = (
    *("null", "undefined", "none", "nan", "n/a", "0", "-1", "anonymous", "guest", "unknown", "test", "true", "false"),
    *("NULL", "None", "[object Object]"),
    *ZEROS,
)

NO_IDENTIFIERS: Final = [
    *(
        Row(
            id=f"junk “{value}” is no external ID and the rest goes on",
            ways=ALL if value in ("null", "0") else SINGLE,
            given=(have("olena", {"email": OLENA}),),
            send={"external_id": value, "email": OLENA, "first_name": "Olena"},
            contact="olena",
            sheets={"olena": {"external_id": None, "first_name": "Olena"}},
            warnings=["junk_value"],
        )
        for value in JUNK
    ),
    Row(
        id="junk in the place of an email or phone is ignored",
        ways=ALL,
        send={"external_id": "C-1", "email": "null", "phone": "0"},
        status="created",
        contact="new",
        sheets={"new": {"email": None, "phone": None, "external_id": "C-1"}},
        warnings=["junk_value", "junk_value"],
    ),
    Row(
        id="junk is no device",
        ways=("single", "bulk", "mobile"),
        send={"email": OLENA, "identifiers": [device("00000000-0000-0000-0000-000000000000")]},
        status="created",
        contact="new",
        sheets={"new": {"identifiers": {f"email:{OLENA}"}}},
        warnings=["junk_value"],
    ),
    Row(
        id="junk is no custom key, and stays as data of its field",
        ways=ALL,
        send={"email": OLENA, "fields.loyalty": "none"},
        status="created",
        contact="new",
        sheets={"new": {"fields.loyalty": "none", "identifiers": {f"email:{OLENA}"}}},
        warnings=["junk_value"],
    ),
    Row(
        id="junk is what the account adds, in any case",
        ways=ALL,
        junk=("walk-in",),
        send={"external_id": "Walk-In", "email": OLENA},
        status="created",
        contact="new",
        sheets={"new": {"external_id": None}},
        warnings=["junk_value"],
    ),
    Row(
        id="junk is what the account's patterns find",
        ways=ALL,
        junk_patterns=(r"^x+$", r"@noreply\."),
        send={"external_id": "xxx", "email": "olena@noreply.example.com", "phone": OLENAS_PHONE},
        status="created",
        contact="new",
        sheets={"new": {"external_id": None, "email": None, "phone": OLENAS_PHONE}},
        warnings=["junk_value", "junk_value"],
    ),
    Row(
        id="junk does not clear what is there",
        ways=BATCH,
        given=(have("olena", {"external_id": "C-1", "email": OLENA}),),
        send={"external_id": "C-1", "email": "n/a", "first_name": "Olena"},
        options={"key": "external_id", "empty_values_clear": True},
        contact="olena",
        sheets={"olena": {"email": OLENA}},
    ),
    Row(
        id="junk beside a real external ID",
        ways=ALL,
        given=(have("olena", {"external_id": "test-1"}),),
        send={"external_id": "test-1", "email": BOHDAN},
        contact="olena",
    ),
]

ROWS: Final = [*VALUES, *NO_IDENTIFIERS]
