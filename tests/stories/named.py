"""Nobody signs in: an event says who holds the phone, and the shop says whose token the tablet has."""

from tests.stories.senders import add_token, app_events, contact, device
from tests.stories.story import Sheet, Story

PHONE, TABLET = "1A2B-phone", "3C4D-tablet"

NAMED = Story(
    name="somebody whom only an event and a token name",
    senders={
        "phone": [device(PHONE, deviceModel="Moto"), app_events(PHONE, "cartFilled", user_id="N-1")],
        "tablet": [device(TABLET, pushToken="push-n", pushSubscribed=True)],
        "shop": [add_token("push-n", externalCustomerId="N-1"), contact(external_id="N-1", first_name="Nadiya")],
    },
    ending=[
        Sheet(
            fields={"external_id": "N-1", "first_name": "Nadiya"},
            identifiers=frozenset(
                {"external_id:N-1", f"device:{PHONE}", f"device:{TABLET}", "mobile_push:shop:push-n"}
            ),
            events=["cartFilled"],
            devices={
                f"device:{PHONE}": {"app": "shop", "deviceModel": "Moto"},
                f"device:{TABLET}": {"app": "shop", "active": True},
                "mobile_push:shop:push-n": {"active": True, "deviceId": TABLET},
            },
        )
    ],
)
