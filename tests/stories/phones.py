"""Customers of whom only the phone is known: a till, a call centre, a file and a campaign, and no duplicates."""

from tests.stories.senders import contacts, event, identify, order, past_event, upload, visit
from tests.stories.story import Sheet, Story

SOLOMIYAS_PHONE, OSTAPS_PHONE = "+380951112233", "+380972223344"
BROWSER = "browser-by-phone"

PHONES = Story(
    name="customers known by phone only",
    senders={
        "till": [
            order("P-1", "IN_PROGRESS", phone="095 111-22-33"),
            order("P-2", "DELIVERED", phone="097 222 33 44"),
            order("P-1", "DELIVERED", phone="0951112233"),
        ],
        "call centre": [
            contacts(
                {"phone": "380951112233", "first_name": "Solomiya"},
                {"phone": "(097) 222-33-44", "last_name": "Koval"},
                dedupeOn="sms",
                groupNames=["Called"],
            ),
            event("called", SMS="+38 (095) 111 22 33"),
        ],
        "file": [
            upload(
                "phone,town",
                "+38 095 111 22 33,Lviv",
                "0972223344,Kyiv",
                overrideExisting="true",
                dedupeOn="sms",
            )
        ],
        "browser": [visit(BROWSER), identify(BROWSER, phone="+380951112233")],
        "campaign": [past_event("messageRead", phone=OSTAPS_PHONE)],
    },
    ending=[
        Sheet(
            fields={
                "phone": SOLOMIYAS_PHONE,
                "phone_state": "active",
                "first_name": "Solomiya",
                "town": "Lviv",
                "order_count": 1,
            },
            identifiers=frozenset({f"phone:{SOLOMIYAS_PHONE}", f"cookie:{BROWSER}"}),
            events=["called", "orderDELIVERED", "orderIN_PROGRESS", "pageView"],
            orders={"P-1": "DELIVERED"},
            segments=frozenset({"Called"}),
        ),
        Sheet(
            fields={
                "phone": OSTAPS_PHONE,
                "phone_state": "active",
                "last_name": "Koval",
                "town": "Kyiv",
                "order_count": 1,
            },
            identifiers=frozenset({f"phone:{OSTAPS_PHONE}"}),
            events=["messageRead", "orderDELIVERED"],
            orders={"P-2": "DELIVERED"},
            segments=frozenset({"Called"}),
        ),
    ],
)
