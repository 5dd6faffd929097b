"""Somebody installs the app, looks around and signs up: what the phone knew and what the shop knows is one sheet."""

from tests.people import OLENA, OLENAS_PHONE
from tests.stories.senders import add_token, app_events, contact, device, event, order, past_event, user, work
from tests.stories.story import Sheet, Story
from tests.stories.wire import KEPT

PHONE = "0A1B-phone"
BEFORE, AFTER = "push-before", "push-after"

MOBILE = Story(
    name="install, sign-up, the same sheet",
    senders={
        "app": [
            device(PHONE, pushToken=BEFORE, pushSubscribed=False, deviceModel="Pixel 9", appVersion="1.0"),
            app_events(PHONE, "appOpened", "productViewed"),
            user(PHONE, "C-1", email=OLENA, phone=OLENAS_PHONE, firstName="Olena", groupNamesInclude=["App"]),
            device(PHONE, pushToken=AFTER, pushSubscribed=True, appVersion="1.1", externalUserId="C-1"),
        ],
        "shop": [
            contact(external_id="C-1", email=OLENA, last_name="Koval"),
            add_token(AFTER, externalCustomerId="C-1"),
            order("M-1", "DELIVERED", externalCustomerId="C-1"),
        ],
        "worker": [work()],
        "campaign": [past_event("messageRead", email=OLENA), event(KEPT, PushToken=AFTER)],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "C-1",
                "email": OLENA,
                "email_state": "active",
                "phone": OLENAS_PHONE,
                "phone_state": "active",
                "first_name": "Olena",
                "last_name": "Koval",
                "order_count": 1,
            },
            identifiers=frozenset(
                {
                    "external_id:C-1",
                    f"email:{OLENA}",
                    f"phone:{OLENAS_PHONE}",
                    f"device:{PHONE}",
                    f"mobile_push:shop:{AFTER}",
                }
            ),
            events=["appOpened", "messageOpened", "messageRead", "orderDELIVERED", "productViewed"],
            orders={"M-1": "DELIVERED"},
            segments=frozenset({"App"}),
            devices={
                f"device:{PHONE}": {"app": "shop", "deviceModel": "Pixel 9", "appVersion": "1.1", "active": True},
                f"mobile_push:shop:{AFTER}": {"appVersion": "1.1", "active": True, "deviceId": PHONE},
            },
        )
    ],
)
