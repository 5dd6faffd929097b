"""The conditions by which lists of segments are narrowed: the API's list and the back office's search."""

from __future__ import annotations

import django_filters

from segments.models import Segment

__all__ = ["SegmentFilter"]


class SegmentFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Segment
        fields: list[str] = []
