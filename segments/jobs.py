"""What segments do in the background."""

from segments import sizes, snapshots
from segments.watching import jobs as watching

__all__ = ["sizes", "snapshots", "watching"]
