"""The admin site itself: its navigation, its security policy, users, API keys and the queue.

What contacts and segments look like is in their own ``admin`` rooms.
"""

from crm.admin import dashboard, jobs, keys, users

__all__ = ["dashboard", "jobs", "keys", "users"]
