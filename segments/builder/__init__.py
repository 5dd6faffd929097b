"""The builder: where a definition is put together, with what it means said at once.

``checking`` answers what a definition that is being edited means and who would be in it; ``suggesting`` what values
there are; ``doors`` are the two addresses that the page asks at; ``form`` is the page's field. The page itself is
``static/segments/``. Nothing is saved here: that is the admin form's and ``segments.catalogue``'s.
"""

from segments.builder.doors import check_view, suggest_view
from segments.builder.form import BUILDER_MEDIA, SegmentForm, show_builder

__all__ = ["BUILDER_MEDIA", "SegmentForm", "check_view", "show_builder", "suggest_view"]
