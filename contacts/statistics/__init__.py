"""How many contacts there are, from where, and by what they can be found and reached: figures that a job keeps.

The job counts range by range of ids, and again only where contacts changed, so that no page ever counts. One number a
day and figure stays, so the past is as it was. It reads contacts and never writes one, and knows no request.
"""

from contacts.statistics.reading import Day, Latest, list_days, read_latest
from contacts.statistics.refresh import Refreshed, enqueue_refresh, refresh_statistics

__all__ = ["Day", "Latest", "Refreshed", "enqueue_refresh", "list_days", "read_latest", "refresh_statistics"]
