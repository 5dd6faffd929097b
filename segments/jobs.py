"""What segments do in the background."""

from segments import snapshots
from segments.watching import jobs as watching

__all__ = ["snapshots", "watching"]
