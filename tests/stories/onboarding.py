"""A site brings its members in by the API, and a link confirms the email; then they install the app and sign in."""

from tests.stories.senders import app_events, confirm, contact, device, identify, subscribe, user, visit
from tests.stories.story import Sheet, Story

DARYNA, DARYNAS_PHONE = "daryna@example.com", "+380631112233"
PHONE, BROWSER = "4E5F-phone", "browser-of-daryna"

ONBOARDING = Story(
    name="onboarding on the site, install, sign-in",
    senders={
        "site": [
            subscribe(["Members"], ["news"], email=DARYNA, first_name="Daryna"),
            confirm(DARYNA),
            contact(external_id="S-1", email=DARYNA, phone=DARYNAS_PHONE),
        ],
        "browser": [visit(BROWSER), identify(BROWSER, email=DARYNA, attributes={"firstName": "O.", "town": "Lviv"})],
        "app": [
            device(PHONE, pushToken="push-o", pushSubscribed=True, deviceModel="iPhone 16"),
            user(PHONE, "S-1", email=DARYNA),
            app_events(PHONE, "appOpened"),
        ],
    },
    ending=[
        Sheet(
            fields={
                "external_id": "S-1",
                "email": DARYNA,
                "email_state": "active",
                "phone": DARYNAS_PHONE,
                "phone_state": "active",
                "first_name": "Daryna",
                "town": "Lviv",
            },
            identifiers=frozenset(
                {
                    "external_id:S-1",
                    f"email:{DARYNA}",
                    f"phone:{DARYNAS_PHONE}",
                    f"device:{PHONE}",
                    "mobile_push:shop:push-o",
                    f"cookie:{BROWSER}",
                }
            ),
            events=["appOpened", "pageView", "subscribeFromApi"],
            segments=frozenset({"Members"}),
            consents={"news": True},
            devices={
                f"device:{PHONE}": {"app": "shop", "deviceModel": "iPhone 16", "active": True},
                "mobile_push:shop:push-o": {"deviceModel": "iPhone 16", "active": True, "deviceId": PHONE},
            },
        )
    ],
)
