"""What segments do in the background."""

from segments import snapshots

__all__ = ["snapshots"]
