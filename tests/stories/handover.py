"""A phone changes hands: what was done on it stays with whoever did it, and it goes where the last one signed in."""

from tests.people import HOME_PHONE
from tests.stories.senders import app_events, contact, device, user
from tests.stories.story import Sheet, Story

PHONE = "8C9D-phone"
YARYNA, DANYLO = "yaryna@example.com", "danylo@example.com"

HANDOVER = Story(
    name="a phone that changes hands in a household",
    senders={
        "app": [
            device(PHONE, pushToken="push-h", pushSubscribed=True, appVersion="1.0"),
            app_events(PHONE, "appOpened"),
            user(PHONE, "H-1", email=YARYNA),
            app_events(PHONE, "cartFilled", user_id="H-1"),
            device(PHONE, appVersion="2.0", externalUserId="H-2", email=DANYLO),
            app_events(PHONE, "cartEmptied", user_id="H-2"),
        ],
        "shop": [
            contact(external_id="H-1", email=YARYNA, phone=HOME_PHONE),
            contact(external_id="H-2", email=DANYLO, phone=HOME_PHONE),
        ],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "H-1",
                "email": YARYNA,
                "email_state": "active",
                "phone": HOME_PHONE,
                "phone_state": "active",
            },
            identifiers=frozenset({"external_id:H-1", f"email:{YARYNA}", f"phone:{HOME_PHONE}"}),
            events=["appOpened", "cartFilled"],
            cases=frozenset({f"phone:{HOME_PHONE}"}),
        ),
        Sheet(
            fields={
                "external_id": "H-2",
                "email": DANYLO,
                "email_state": "active",
                "phone": HOME_PHONE,
                "phone_state": "active",
            },
            identifiers=frozenset(
                {
                    "external_id:H-2",
                    f"email:{DANYLO}",
                    f"phone:{HOME_PHONE}",
                    f"device:{PHONE}",
                    "mobile_push:shop:push-h",
                }
            ),
            events=["cartEmptied"],
            cases=frozenset({f"phone:{HOME_PHONE}"}),
            devices={
                f"device:{PHONE}": {"app": "shop", "appVersion": "2.0", "active": True},
                "mobile_push:shop:push-h": {"appVersion": "2.0", "active": True, "deviceId": PHONE},
            },
        ),
    ],
)
