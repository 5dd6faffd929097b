"""The admin site itself: its navigation, its security policy, users, API keys and the queue.

What contacts and segments look like is in their own ``admin`` rooms.
"""

from crm.admin import audit, jobs, keys, lockouts, roles, users

__all__ = ["audit", "jobs", "keys", "lockouts", "roles", "users"]
