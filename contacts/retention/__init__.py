"""What is older than the account keeps it goes, once a night, and a report stays: what went, why, and what could not.

The rooms that own the rows say how their own go, piece by piece (``contacts.identity.retention``,
``contacts.activity.old_events``); here stands in which order, and what is written down. Nothing here decides who is
anonymous, and nothing here sees a request.
"""

from contacts.retention.apply import apply_retention
from contacts.retention.foresee import Going, foresee_tonight
from contacts.retention.rules import ERASING, RULES, Rule

__all__ = ["ERASING", "RULES", "Going", "Rule", "apply_retention", "foresee_tonight"]
