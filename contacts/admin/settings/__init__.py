"""Settings: how contacts are read and matched, what is kept how long, what somebody can agree to, custom fields.

What a change would touch is shown before it is made. Values of contacts are changed by ``contacts.fields`` alone; what
was changed, and by whom, stands in the audit log.
"""

from contacts.admin.settings import account, categories, custom_fields, event_types, junk, landing, policy, retention

__all__ = ["account", "categories", "custom_fields", "event_types", "junk", "landing", "policy", "retention"]
