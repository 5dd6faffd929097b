"""Somebody looks around on the site and registers: the history of the visitor is on the sheet of the contact."""

from tests.stories.senders import identify, order, subscribe, unsubscribe, visit
from tests.stories.story import Sheet, Story

IRYNA, IRYNAS_PHONE = "iryna@example.com", "+380682223344"
BROWSER = "browser-of-somebody"

WEB = Story(
    name="visits, registration, the history on the sheet",
    senders={
        "browser": [
            visit(BROWSER, "pageView", "pageView", "productViewed"),
            identify(BROWSER, email=IRYNA, attributes={"firstName": "Iryna"}),
            visit(BROWSER, "welcomeSeen"),
        ],
        "shop": [
            subscribe(["Newsletter"], ["news"], external_id="W-1", email=IRYNA, phone=IRYNAS_PHONE),
            order("W-100", "INITIALIZED", email=IRYNA),
        ],
        "mailer": [unsubscribe(IRYNA)],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "W-1",
                "email": IRYNA,
                "email_state": "unsubscribed",
                "email_state_reason": "unsubscribed by the API",
                "phone": IRYNAS_PHONE,
                "phone_state": "active",
                "first_name": "Iryna",
                "order_count": 1,
            },
            identifiers=frozenset({"external_id:W-1", f"email:{IRYNA}", f"phone:{IRYNAS_PHONE}", f"cookie:{BROWSER}"}),
            events=["orderINITIALIZED", "pageView", "pageView", "productViewed", "subscribeFromApi", "welcomeSeen"],
            orders={"W-100": "INITIALIZED"},
            segments=frozenset({"Newsletter"}),
            consents={"news": True},
        )
    ],
)
