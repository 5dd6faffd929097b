"""Apps of the company: their keys, and what they tell of devices and of the people who hold them.

It owns the verbs behind the doors for apps and the page of apps, and writes through ``contacts.identity`` and
``contacts.activity``. It knows no request: who calls was settled before.
"""

from contacts.mobile.devices import Device, follow_device, list_identifiers, note_device
from contacts.mobile.keys import create_app_key, disable_app_key, enable_app_key, find_app_key, forget_found_keys
from contacts.mobile.seen import list_unregistered, note_app, note_seen_device
from contacts.mobile.users import Wishes, note_user

__all__ = [
    "Device",
    "Wishes",
    "create_app_key",
    "disable_app_key",
    "enable_app_key",
    "find_app_key",
    "follow_device",
    "forget_found_keys",
    "list_identifiers",
    "list_unregistered",
    "note_app",
    "note_device",
    "note_seen_device",
    "note_user",
]
