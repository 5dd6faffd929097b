"""Where the pages are, below the back office's list of segments."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path

from segments.pages.explain import ExplainView, FindView
from segments.pages.history import HistoryView
from segments.pages.imported import ImportedView
from segments.pages.members import MembersExportView, MembersView
from segments.pages.paste import PasteView
from segments.pages.snapshot import SnapshotView

__all__ = ["urls_of"]

PLACES = (
    ("<int:segment_id>/members/", MembersView, "members"),
    ("<int:segment_id>/export/", MembersExportView, "export"),
    ("<int:segment_id>/explain/", FindView, "find"),
    ("<int:segment_id>/explain/<int:contact_id>/", ExplainView, "explain"),
    ("<int:segment_id>/paste/", PasteView, "paste"),
    ("<int:segment_id>/snapshot/", SnapshotView, "snapshot"),
    ("<int:segment_id>/history/", HistoryView, "history"),
    ("import/<int:import_id>/", ImportedView, "of_import"),
)


def urls_of(model_admin: Any) -> list[URLPattern]:
    """The pages of the segments' admin."""
    wrap = model_admin.admin_site.admin_view
    return [
        path(address, wrap(view.as_view(model_admin=model_admin)), name=f"segments_segment_{name}")
        for address, view, name in PLACES
    ]
