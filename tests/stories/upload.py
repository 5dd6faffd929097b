"""The company uploads its customers; one of them installs the app and signs in: the anonymous contact is gone."""

from tests.people import BOHDAN, TARAS
from tests.stories.senders import app_events, device, event, order, upload, user, work
from tests.stories.story import Sheet, Story

PHONE = "2C3D-phone"

UPLOAD = Story(
    name="upload with external IDs, install, sign-in",
    senders={
        "file": [
            upload(
                "external_id,email,first_name,last_name",
                f"U-1,{TARAS},Taras,Bondar",
                f"U-2,{BOHDAN},Bohdan,Melnyk",
                overrideExisting="true",
                groupNames="Customers",
            )
        ],
        "app": [
            app_events(PHONE, "appOpened"),
            device(PHONE, pushToken="push-u", pushSubscribed=True, osType="ANDROID", osVersion="15", appVersion="2.0"),
            user(PHONE, "U-1", address={"town": "Lviv"}),
            app_events(PHONE, "purchaseStarted", user_id="U-1"),
        ],
        "worker": [work()],
        "shop": [event("invoiceSent", externalCustomerId="U-1"), order("U-100", "DELIVERED", externalCustomerId="U-1")],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "U-1",
                "email": TARAS,
                "email_state": "active",
                "first_name": "Taras",
                "last_name": "Bondar",
                "town": "Lviv",
                "order_count": 1,
            },
            identifiers=frozenset({"external_id:U-1", f"email:{TARAS}", f"device:{PHONE}", "mobile_push:shop:push-u"}),
            events=["appOpened", "invoiceSent", "orderDELIVERED", "purchaseStarted"],
            orders={"U-100": "DELIVERED"},
            segments=frozenset({"Customers"}),
            devices={
                f"device:{PHONE}": {"app": "shop", "os": "Android 15", "appVersion": "2.0", "active": True},
                "mobile_push:shop:push-u": {
                    "os": "Android 15",
                    "appVersion": "2.0",
                    "active": True,
                    "deviceId": PHONE,
                },
            },
        ),
        Sheet(
            fields={
                "external_id": "U-2",
                "email": BOHDAN,
                "email_state": "active",
                "first_name": "Bohdan",
                "last_name": "Melnyk",
            },
            identifiers=frozenset({"external_id:U-2", f"email:{BOHDAN}"}),
            segments=frozenset({"Customers"}),
        ),
    ],
)
