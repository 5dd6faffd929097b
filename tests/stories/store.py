"""A customer of a physical store has a number there and no email; later there is an app too."""

from tests.people import TARAS_PHONE
from tests.stories.senders import contacts, device, order, user
from tests.stories.story import Sheet, Story

PHONE = "6A7B-phone"

STORE = Story(
    name="a customer of a store with an external ID and no email",
    senders={
        "till": [
            order("T-1", "DELIVERED", 40, externalCustomerId=42),
            order("T-2", "CANCELLED", 60, externalCustomerId="42"),
        ],
        "loyalty": [
            contacts(
                {"external_id": 42, "first_name": "Taras", "phone": TARAS_PHONE},
                dedupeOn="externalCustomerId",
                groupNames=["Loyal"],
            )
        ],
        "app": [
            device(PHONE, deviceModel="Galaxy", pushToken="push-9", pushSubscribed=True),
            user(PHONE, "42", lastName="Bondar", subscriptionKeys=["news"]),
        ],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "42",
                "phone": TARAS_PHONE,
                "phone_state": "active",
                "first_name": "Taras",
                "last_name": "Bondar",
                "order_count": 2,
            },
            identifiers=frozenset(
                {"external_id:42", f"phone:{TARAS_PHONE}", f"device:{PHONE}", "mobile_push:shop:push-9"}
            ),
            events=["orderCANCELLED", "orderDELIVERED"],
            orders={"T-1": "DELIVERED", "T-2": "CANCELLED"},
            segments=frozenset({"Loyal"}),
            consents={"news": True},
            devices={
                f"device:{PHONE}": {"app": "shop", "deviceModel": "Galaxy", "active": True},
                "mobile_push:shop:push-9": {"deviceModel": "Galaxy", "active": True, "deviceId": PHONE},
            },
        )
    ],
)
